"""A start that cannot succeed ends with one sentence on standard error and a status, never with a traceback."""

from __future__ import annotations

import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.services import PYTHON_M_TWISTED, TWISTD, attempt, await_end

PASSWORD = "correct-horse"

_TWO = {"WORKERS": "2"}

# Bytes of a path, of which a UNIX socket's has 107 at the most.
_LONG = "x" * 100

# The service, its options, its settings, and the sentence. The parsing of every single setting is test_config's.
REFUSED = {
    "a port that is none": ("api", (), {"PORT": "70000"}, "PORT must be a port number from 0 to 65535, not '70000'."),
    "a flag that is none": ("api", (), {"DISABLE_CORS": "maybe"}, "DISABLE_CORS must be true or false, not 'maybe'."),
    "a number that is none": ("ws", (), {"MAX_PAYLOAD": "1e6"},
                             "MAX_PAYLOAD must be a whole number above 0, not '1e6'."),
    "seconds that are none": ("ws", (), {"PING_TIMEOUT": "soon"},
                              "PING_TIMEOUT must be a number of seconds above 0, not 'soon'."),
    "a path that is none": ("api", (), {"WEBSOCKET_PATH": "ws"},
                            "WEBSOCKET_PATH must be a path that begins with /, not 'ws'."),
    "pages of any host": ("ws", (), {"CORS_ORIGIN": "https://*.example"},
                          "CORS_ORIGIN must be a comma-separated list of origins such as https://app.example, null"),
    "names that are too long": ("api", (), {"MAX_NAMESPACE_LENGTH": "300"},
                                "MAX_NAMESPACE_LENGTH must be a whole number from 1 to 256, not '300'."),
    "an option that is no number": ("api", ("--max-queued=x",), {},
                                    "MAX_QUEUED must be a whole number, 0 or above, not 'x'."),
    "a Redis that is none": ("ws", (), {"REDIS_URL": f"http://:{PASSWORD}@h"},
                             "REDIS_URL must be redis://HOST:PORT/DATABASE, rediss:// for TLS, or unix:///PATH."),
    "workers that would share TLS": ("ws", ("--listen=ssl:0:privateKey=x",), {"WORKERS": "2"},
                                     "WORKERS above 1 can share endpoints of tcp: and systemd: only, not "),
    "workers with one endpoint for metrics": ("ws", (), {"WORKERS": "2", "METRICS_LISTEN": "systemd:index=1"},
                                              "METRICS_LISTEN must be an endpoint of tcp: or unix: where WORKERS is"),
    "workers without a database": ("api", (), {"WORKERS": "2", "DATABASE_URL": "sqlite:////no/where/x.db"},
                                   "DATABASE_URL (sqlite:////no/where/x.db): the folder /no/where does not exist."),
    "a handover folder that is none": ("ws", ("--websocket-port=0",), {"HANDOVER_FOLDER": "/no/where"},
                                       "HANDOVER_FOLDER (/no/where) cannot be used: No such file or "),
    "a link folder that others may enter": ("api", ("--port=0",), {"LINK_FOLDER": "/"},
                                            "LINK_FOLDER must be a folder that only its user may enter, not '/'."),
    "workers with a link folder that is none": ("ws", ("--websocket-port=0",), {"WORKERS": "2", "LINK_FOLDER": "/a/b"},
                                                "LINK_FOLDER (/a/b) cannot be used: No such file or directory."),
    "a file of settings that is none": ("ws", ("--env-file=none",), {},
                                        "--env-file must be the path of a file, not 'none'."),
    "a stray argument": ("api", ("3000",), {}, "'3000' is not a setting."),
    "an endpoint that is none": ("ws", ("--listen=nonsense:1",), {}, "--listen must be an endpoint, not 'nonsense"),
    "an endpoint without its port": ("api", ("--listen=tcp",), {}, "--listen must be an endpoint, not 'tcp': "),
    "an endpoint without its certificate": ("api", ("--listen=ssl:0:privateKey=none.pem",), {},
                                            "--listen must be an endpoint, not 'ssl:0:privateKey=none.pem': "),
    "an address of somebody else": ("ws", ("--websocket-port=0", "--host=192.0.2.1"), {},
                                    "Cannot listen on tcp:0:interface=192.0.2.1 (WEBSOCKET_PORT, HOST): Cannot "),
    "metrics on an endpoint that is none": ("api", ("--port=0",), {"METRICS_LISTEN": "garbage"},
                                            "METRICS_LISTEN must be an endpoint, not 'garbage': "),
    "metrics at an address of somebody else": ("ws", ("--websocket-port=0",),
                                               {"METRICS_LISTEN": "tcp:0:interface=192.0.2.1"},
                                               "Cannot listen on tcp:0:interface=192.0.2.1 (METRICS_LISTEN): Cannot "),
    "metrics on a port that is none": ("api", ("--port=0",), {"METRICS_LISTEN": "tcp:99999"},
                                       "METRICS_LISTEN must have a port from 0 to 65535, not 'tcp:99999'."),
    "a port that is none behind a proxy": ("ws", ("--listen=haproxy:tcp:99999",), {},
                                           "--listen must have a port from 0 to 65535, not 'haproxy:tcp:99999'."),
    "metrics in a folder that is none": ("api", ("--port=0",), {"METRICS_LISTEN": "unix:/no/where"},
                                         "Cannot listen on unix:/no/where (METRICS_LISTEN): No such file or "),
    "a socket that systemd has not given": ("api", ("--listen=systemd:domain=INET:index=0",), {},
                                            "--listen must be an endpoint, not 'systemd:domain=INET:index=0': systemd "
                                            "has given no such socket."),
    "no socket of that name by systemd": ("ws", ("--listen=systemd:domain=INET:name=web",), {},
                                          "--listen must be an endpoint, not 'systemd:domain=INET:name=web': systemd "
                                          "has given no such socket."),
    "a control socket in a folder that is none": ("ws", ("--websocket-port=0",), {"CONTROL_SOCKET": "/no/where"},
                                                  "Cannot listen on unix:/no/where:mode=600 (CONTROL_SOCKET): No "),
    "workers with a model too many": ("api", ("--port=0",), {**_TWO, "AI_BASE_URL": "http://a/v1", "AI_MODEL": "a,b"},
                                      "AI_MODEL must have as many parts as AI_BASE_URL, 1, not 2."),
    "workers with a manhole without keys": ("ws", ("--websocket-port=0",), {**_TWO, "MANHOLE": "2222"},
                                            "MANHOLE_KEYS must be the path of a file, since MANHOLE is set."),
    "workers with a control socket nowhere": ("ws", ("--websocket-port=0",), {**_TWO, "CONTROL_SOCKET": "/no/where"},
                                              "Cannot listen on unix:/no/where.0:mode=600 (CONTROL_SOCKET): No such "),
    "workers with metrics on no endpoint": ("ws", ("--websocket-port=0",), {**_TWO, "METRICS_LISTEN": "tcp:x"},
                                            "METRICS_LISTEN must be an endpoint of tcp: or unix: where WORKERS is"),
    "workers with more metrics than ports": ("ws", ("--websocket-port=0",), {**_TWO, "METRICS_LISTEN": "tcp:65535"},
                                             "METRICS_LISTEN must leave a port to each worker: there is none after 6"),
    "workers that hand over nowhere": ("ws", ("--websocket-port=0",), {**_TWO, "HANDOVER_FOLDER": "/no/where"},
                                       "HANDOVER_FOLDER (/no/where) cannot be used: No such file or "),
    # Only a worker finds out: no socket has so long a path.
    "workers that none of them could serve": ("ws", ("--websocket-port=0",), {**_TWO, "HANDOVER_FOLDER": _LONG},
                                              f"HANDOVER_FOLDER ({_LONG}) cannot be used: AF_UNIX path too long."),
    "an unknown database": ("ws", (), {"DATABASE_URL": f"mysql://u:{PASSWORD}@h/d"},
                            "DATABASE_URL must begin with sqlite:/// or postgresql://."),
    "a missing folder": ("api", (), {"DATABASE_URL": "sqlite:////no/where/x.db"},
                         "DATABASE_URL (sqlite:////no/where/x.db): the folder /no/where does not exist."),
    "a key too many": ("api", (), {"AI_BASE_URL": "http://a/v1", "AI_API_KEY": f"a,{PASSWORD}"},
                       "AI_API_KEY must have as many parts as AI_BASE_URL, 1, not 2."),
    "an unknown option": ("ws", ("--colour=red",), {}, "option --colour not recognized."),
    "an option without its value": ("ws", ("--port",), {}, "option --port requires argument."),
    "an unreachable database": ("api", (), {"DATABASE_URL": f"postgresql://u:{PASSWORD}@127.0.0.1:9/d"},
                                "The database of DATABASE_URL (postgresql://u:***@127.0.0.1:9/d) failed: "),
}  # fmt: skip


@pytest.mark.parametrize(("service", "options", "settings", "sentence"), REFUSED.values(), ids=REFUSED)
def test_one_sentence_ends_the_start(
    tmp_path: Path, service: str, options: tuple[str, ...], settings: dict[str, str], sentence: str
) -> None:
    (tmp_path / _LONG).mkdir()
    ended = attempt(f"yektayar-{service}", *options, folder=tmp_path, settings=settings)
    assert ended.status == 1
    assert ended.err.startswith(f"yektayar-{service}: {sentence}")
    assert ended.err.count("\n") == 1
    assert ended.err.endswith(".\n")
    assert not {"Traceback", PASSWORD} & set(re.findall(r"[\w-]+", ended.out + ended.err))


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def in_use(service: str, port: int, setting: str) -> str:
    return f"{service}: Cannot listen on tcp:{port}:interface=127.0.0.1 ({setting}): Address already in use.\n"


@pytest.mark.parametrize(("service", "setting"), [("yektayar-api", "PORT"), ("yektayar-ws", "WEBSOCKET_PORT")])
def test_a_taken_port_ends_the_start(tmp_path: Path, taken: int, service: str, setting: str) -> None:
    ended = attempt(service, folder=tmp_path, settings={setting: str(taken)})
    assert (ended.status, ended.err) == (1, in_use(service, taken, f"{setting}, HOST"))
    assert "Traceback" not in ended.out


@pytest.mark.parametrize("format", ["text", "json"])
def test_who_sees_the_log_on_a_terminal_reads_the_sentence_once(tmp_path: Path, taken: int, format: str) -> None:
    settings = {"PORT": str(taken), "LOG_FORMAT": format}
    ended = attempt("yektayar-api", folder=tmp_path, settings=settings, stderr=subprocess.STDOUT)
    assert ended.status == 1
    assert ended.out.count(in_use("yektayar-api", taken, "PORT, HOST").rstrip()) == 1


def test_a_log_in_a_file_does_not_keep_the_sentence_from_the_terminal(tmp_path: Path, taken: int) -> None:
    twistd = (*TWISTD, "--nodaemon", "--pidfile=", "--logfile=log")
    sentence = in_use("yektayar-ws", taken, "WEBSOCKET_PORT, HOST")
    ended = attempt(
        "yektayar-ws", f"--websocket-port={taken}", folder=tmp_path, twistd=twistd, stderr=subprocess.STDOUT
    )
    assert (ended.status, ended.out) == (1, sentence)
    assert sentence in (tmp_path / "log").read_text()


def test_a_taken_port_after_a_free_one_ends_the_start(tmp_path: Path, taken: int) -> None:
    options = ("--listen=tcp:0:interface=127.0.0.1", f"--listen=tcp:{taken}:interface=127.0.0.1")
    ended = attempt("yektayar-ws", *options, folder=tmp_path)
    assert (ended.status, ended.err) == (1, in_use("yektayar-ws", taken, "--listen"))


def test_an_endpoint_that_one_of_the_workers_cannot_have_ends_the_start(tmp_path: Path) -> None:
    (tmp_path / "metrics.1").mkdir()
    settings = {**_TWO, "METRICS_LISTEN": "unix:metrics", "WEBSOCKET_PORT": "0"}
    ended = attempt("yektayar-ws", folder=tmp_path, settings=settings)
    sentence = "Cannot listen on unix:metrics.1 (METRICS_LISTEN): Address already in use."
    assert (ended.status, ended.err) == (1, f"yektayar-ws: {sentence}\n")


def test_the_other_runner_is_refused_alike(tmp_path: Path, taken: int) -> None:
    ended = attempt("yektayar-ws", f"--websocket-port={taken}", folder=tmp_path, twistd=PYTHON_M_TWISTED)
    assert (ended.status, ended.err) == (1, in_use("yektayar-ws", taken, "WEBSOCKET_PORT, HOST"))


@pytest.mark.parametrize("setting", ["PORT", "DATABASE_URL"])
def test_who_starts_a_daemon_learns_that_it_could_not(tmp_path: Path, taken: int, setting: str) -> None:
    settings = {"PORT": {"PORT": str(taken)}, "DATABASE_URL": {"DATABASE_URL": "mysql://h/d"}}[setting]
    ended = attempt(
        "yektayar-api", folder=tmp_path, settings=settings, twistd=(*TWISTD, "--pidfile=pid", "--logfile=log")
    )
    word = {"PORT": f"Cannot listen on tcp:{taken}", "DATABASE_URL": "DATABASE_URL must begin"}[setting]
    assert ended.status == 1
    assert word in ended.err
    await_end(tmp_path / "pid")
    log = (tmp_path / "log").read_text()
    assert word in log
    assert "Traceback" not in ended.err + log
    assert not (tmp_path / "pid").exists()


@pytest.mark.parametrize("options", [("--nodaemon",), ("--logfile=log",)], ids=["in front", "as a daemon"])
@pytest.mark.parametrize(
    ("pidfile", "reason"),
    [("no/pid", "No such file or directory"), ("file/pid", "Not a directory"), (_LONG * 3, "File name too long")],
    ids=["no folder", "a file for a folder", "too long"],
)
def test_a_pidfile_that_cannot_be_written_ends_the_start(
    tmp_path: Path, options: tuple[str, ...], pidfile: str, reason: str
) -> None:
    (tmp_path / "file").touch()
    twistd = (*TWISTD, f"--pidfile={pidfile}", *options)
    ended = attempt("yektayar-api", "--port=0", folder=tmp_path, twistd=twistd)
    sentence = f"Cannot write {tmp_path}/{pidfile} (--pidfile, which may be empty): {reason}."
    assert (ended.status, ended.err) == (1, f"yektayar-api: {sentence}\n")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_pidfile_is_not_left_by_a_start_that_is_refused(tmp_path: Path) -> None:
    twistd = (*TWISTD, "--nodaemon", "--pidfile=pid")
    ended = attempt("yektayar-api", "--listen=nonsense:1", folder=tmp_path, twistd=twistd)
    assert ended.status == 1
    assert not (tmp_path / "pid").exists()


def test_a_daemon_with_a_bad_setting_is_refused_before_it_is_one(tmp_path: Path) -> None:
    ended = attempt("yektayar-ws", folder=tmp_path, settings={"REDIS_URL": "redis:h"}, twistd=TWISTD)
    assert ended.status == 1
    assert ended.err.startswith("yektayar-ws: REDIS_URL must be redis://")
    assert list(tmp_path.iterdir()) == []
