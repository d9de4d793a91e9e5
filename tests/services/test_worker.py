"""What each of several processes has for itself: sockets that are inherited, and endpoints with its number."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.services import PATIENCE, environment
from yekta.services.config import ConfigError, Settings, load
from yekta.services.worker import numbered, of_worker

LISTEN = ("systemd:domain=INET:index=0",)


def settings(**given: str) -> Settings:
    """As the third worker has them."""
    return of_worker(load(given, {}), 2, "/run/folder", LISTEN)


def test_sockets_are_inherited_and_the_folder_is_the_parent_s() -> None:
    own = settings(PORT="1", HANDOVER_FOLDER="/elsewhere")
    assert (own.listen, own.handover_folder, own.port) == (LISTEN, "/run/folder", 1)


@pytest.mark.parametrize(
    ("name", "given", "own"),
    [
        ("CONTROL_SOCKET", "/run/control", "/run/control.2"),
        ("CONTROL_SOCKET", "", ""),
        ("MANHOLE", "2222", "tcp:2224:interface=127.0.0.1"),
        ("MANHOLE", "[::1]:2222", r"tcp:2224:interface=\:\:1"),
        ("MANHOLE", "", ""),
        ("METRICS_LISTEN", "unix:/run/metrics", "unix:/run/metrics.2"),
        ("METRICS_LISTEN", "", ""),
    ],
)
def test_what_one_process_alone_can_have_has_the_worker_s_number(name: str, given: str, own: str) -> None:
    assert getattr(settings(**{name: given}), name.lower()) == own


def test_the_rest_is_as_the_parent_has_it() -> None:
    given = {"CONTROL_SOCKET": "/run/control", "MANHOLE": "2222", "METRICS_LISTEN": "tcp:1", "PORT": "1"}
    theirs, own = load(given, {}, console=False), settings(**given)
    differ = {name for name, value in theirs.values.items() if own.values[name] != value}
    assert differ == {"control_socket", "manhole", "metrics_listen", "handover_folder"}
    assert not of_worker(theirs, 0, "", LISTEN).console


@pytest.mark.parametrize(
    ("endpoint", "own"),
    [
        ("", ""),
        ("tcp:9300", "tcp:9302"),
        ("tcp:0:interface=127.0.0.1", "tcp:0:interface=127.0.0.1"),
        ("tcp:port=9300:interface=127.0.0.1", "tcp:port=9302:interface=127.0.0.1"),
        ("unix:/run/metrics:mode=600", "unix:/run/metrics.2:mode=600"),
    ],
)
def test_an_endpoint_has_a_number(endpoint: str, own: str) -> None:
    assert numbered("METRICS_LISTEN", endpoint, 2) == own


def test_other_endpoints_cannot_be_numbered() -> None:
    with pytest.raises(ConfigError, match=r"^METRICS_LISTEN must be an endpoint of tcp: or unix: where WORKERS is"):
        numbered("METRICS_LISTEN", "systemd:domain=INET:index=1", 0)


def test_no_port_comes_after_the_last() -> None:
    assert numbered("MANHOLE", "tcp:65533", 2) == "tcp:65535"
    with pytest.raises(ConfigError) as caught:
        settings(MANHOLE="65534")
    assert str(caught.value) == "MANHOLE must leave a port to each worker: there is none after 65535."


# A service that says by which clocks it goes.
CLOCKS = """
import sys, time
from yekta.services import api

class Options(api.Options):
    def root(self, node):
        print(node.reactor.seconds is time.monotonic, node.reactor.wall is time.time, file=sys.__stderr__)
        return super().root(node)
"""


@pytest.mark.parametrize("reactor", ["yekta.services.reactor", "twisted.internet.pollreactor"])
def test_it_measures_by_a_clock_that_nobody_sets(tmp_path: Path, reactor: str) -> None:
    (tmp_path / "clocks.py").write_text(CLOCKS)
    arguments = [reactor, "0", "1", "", "clocks.Options", "--listen=tcp:0:interface=127.0.0.1", "--"]
    # Nobody is its parent, so it ends as soon as it has begun.
    ended = subprocess.run(
        [sys.executable, "-P", "-m", "yekta.services.worker_entry", *arguments],
        cwd=tmp_path,
        env=environment({"PYTHONPATH": str(tmp_path)}),
        input="",
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "True True\n")
