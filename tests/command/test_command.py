"""The ``yekta`` command as a shell runs it, against both services."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from tests.support.certificates import certify
from tests.support.relay import Relay
from tests.support.services import PATIENCE, Pair, environment, free_port, paired, started
from tests.support.slow_ai import SlowAI
from yekta.command.check import derive

YEKTA = str(Path(sys.executable).with_name("yekta"))


@attrs.frozen
class Shell:
    """Runs the command; ``pair`` is what it talks to, and ``ai`` whom that asks."""

    pair: Pair
    ai: SlowAI

    def run(self, *arguments: str, token: str = "") -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        return subprocess.run(
            [YEKTA, *arguments],
            env=environment({"YEKTA_TOKEN": token}),
            stdin=subprocess.DEVNULL,
            text=True,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )

    def begin(self, *arguments: str, token: str = "") -> subprocess.Popen[str]:
        """Start it, to hear what it says meanwhile."""
        pipe = subprocess.PIPE
        environ = environment({"YEKTA_TOKEN": token})
        return subprocess.Popen([YEKTA, *arguments], env=environ, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    with SlowAI() as ai, paired(tmp_path_factory.mktemp("command"), {"AI_BASE_URL": ai.base_url}) as pair:
        yield Shell(pair, ai)
        for service in (pair.api, pair.ws):
            assert service.stop() == 0
            assert "Traceback" not in service.text
            assert not any(token in service.text for token in pair.tokens)


def test_a_token_is_of_a_session(shell: Shell) -> None:
    token = shell.run("token", "--url", shell.pair.api_url).stdout.strip()
    shell.pair.tokens.append(token)
    reply = shell.run("send", "--url", shell.pair.api_url, "status", token=token)
    assert json.loads(reply.stdout)["data"]["connection"]["sessionToken"] == f"***{token[-4:]}"
    assert reply.returncode == 0


def test_an_error_is_a_reply_and_a_status(shell: Shell) -> None:
    reply = shell.run("send", "--url", shell.pair.api_url, "nothing")
    assert (reply.returncode, json.loads(reply.stdout)["event"], reply.stderr) == (1, "error", "")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("send", "echo", "{"), "The data is not JSON."),
        (("token", "--url", "ftp://x"), "The URL must be one such as http://localhost:3000."),
        (("token", "--url", "http://127.0.0.1:9"), "http://127.0.0.1:9 does not answer: Connection was refused"),
        (("check", "http://127.0.0.1:9", "--connect", "x"), "--connect must be ADDRESS:PORT."),
        (("check", "https://127.0.0.1:9", "--cafile", __file__), "--cafile must be a PEM file with certificates."),
        (("emit", "a", "b", "--socket", "/no/where"), "Nobody listens on that control socket"),
    ],
)
def test_a_failure_is_one_sentence(shell: Shell, arguments: tuple[str, ...], sentence: str) -> None:
    ended = shell.run(*arguments)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(f"yekta: {sentence}")
    assert len(ended.stderr.splitlines()) == 1


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that nobody can connect to any more: as many wait as may, and nobody is let in."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server, socket.socket() as waiting:
        waiting.connect(server.getsockname())
        yield server.getsockname()[1]


@pytest.mark.parametrize("command", [("token", "--url"), ("check",), ("listen", "--url")])
def test_whoever_cannot_be_reached_in_time_is_said_to_take_too_long(silent: int, command: tuple[str, ...]) -> None:
    url = f"http://127.0.0.1:{silent}"
    ended = subprocess.run(
        [YEKTA, *command, url, "--timeout=0.3"],
        env=environment({"YEKTA_TOKEN": "x" * 43}),
        text=True,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (1, f"yekta: {url} does not answer: It took too long.\n")


@pytest.mark.parametrize("command", ["etc", "listen"])
def test_where_nobody_reads_on_it_ends_without_a_word(shell: Shell, tmp_path: Path, command: str) -> None:
    arguments = {"etc": [str(tmp_path / "etc")], "listen": ["--url", shell.pair.api_url]}[command]
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb") as output:
        ended = subprocess.run(
            [YEKTA, command, *arguments],
            env=environment({}),
            stdout=output,
            stderr=subprocess.PIPE,
            timeout=PATIENCE,
            check=False,
        )
    assert (ended.returncode, ended.stderr) == (141, b"")


def test_it_waits_by_a_clock_that_nobody_sets(tmp_path: Path) -> None:
    program = (
        "import atexit, time; from yekta.command import main; from twisted.internet import reactor\n"
        "atexit.register(lambda: print(reactor.seconds is time.monotonic))\n"
        f"main.main(['etc', {str(tmp_path)!r}])"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout.splitlines()[-1], ended.stderr) == (0, "True", "")


def test_a_terminal_without_the_letters_gets_escapes(shell: Shell) -> None:
    told = subprocess.run(
        [YEKTA, "send", "--url", shell.pair.api_url, "echo", '"سلام"'],
        env=environment({"PYTHONIOENCODING": "ascii"}),
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (told.returncode, told.stderr, json.loads(told.stdout)["data"]["received"]) == (0, b"", "سلام")


@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        ("send --url {url} status >/dev/full", 1, "yekta: No space left on device.\n"),
        ("send --url {url} status >&-", 0, ""),
        ("chat --url {url} <&-", 0, ""),
    ],
)
def test_a_stream_that_is_closed_or_full(shell: Shell, command: str, status: int, said: str) -> None:
    ended = subprocess.run(
        ["sh", "-c", f"exec {YEKTA} {command.format(url=shell.pair.api_url)}"],
        env=environment({}),
        stderr=subprocess.PIPE,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (status, said)


def test_a_wrong_token_is_refused_and_not_repeated(shell: Shell) -> None:
    wrong = "w" * 43
    ended = shell.run("listen", "--url", shell.pair.api_url, token=wrong)
    sentence = "yekta: The WebSocket was refused: 401 Unauthorized: Invalid or expired session token.\n"
    assert (ended.returncode, ended.stderr) == (1, sentence)


def test_every_promise_is_kept_on_both_ports(shell: Shell) -> None:
    ended = shell.run("check", shell.pair.api_url, "--ws", shell.pair.ws_url)
    assert ended.returncode == 0, ended.stdout
    assert "31 promises kept, 0 broken." in ended.stdout


def test_a_proxy_of_another_place_is_asked_by_its_own_name(tmp_path: Path, shell: Shell) -> None:
    """As on a machine where DNS does not lead to it, with a certificate that nobody else would trust."""
    certificate = certify(tmp_path, "api.yekta.example", "ws.yekta.example")
    with started(
        "yektayar-api",
        folder=tmp_path,
        listen=(f"ssl:0:privateKey={certificate}:certKey={certificate}:interface=127.0.0.1",),
    ) as api:
        options = ("--connect", f"127.0.0.1:{api.port}", "--cafile", str(certificate))
        ended = shell.run("check", "https://api.yekta.example", *options)
        # Both names lead to the API port here, which has all doors and only as information another one.
        assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout
        untrusted = shell.run("check", "https://api.yekta.example", *options[:2])
        assert untrusted.returncode == 1
        assert untrusted.stderr.startswith("yekta: https://api.yekta.example does not answer: ")
        assert api.stop() == 0


def test_a_broken_promise_is_told(shell: Shell) -> None:
    """Nobody listens on the other port."""
    ended = shell.run("check", shell.pair.api_url, "--ws", f"http://localhost:{free_port()}", "--timeout", "5")
    assert ended.returncode == 1
    assert len(re.findall("^FAIL .* does not answer: ", ended.stdout, re.MULTILINE)) == 14


@pytest.mark.parametrize(
    ("api", "ws"),
    [
        ("http://localhost:3000", "http://localhost:3500"),
        ("https://api.yektayar.ir", "https://ws.yektayar.ir"),
        ("https://api.example:8443", "https://ws.example:8443"),
        ("http://localhost:8080", None),
    ],
)
def test_where_the_other_port_is(api: str, ws: str | None) -> None:
    assert derive(api) == ws


def test_one_that_listens_hears_what_is_sent_to_its_room(tmp_path: Path, shell: Shell) -> None:
    with started("yektayar-api", folder=tmp_path, settings={"CONTROL_SOCKET": "control"}) as api:
        url = f"http://localhost:{api.port}"
        token = shell.run("token", "--url", url).stdout.strip()
        with shell.begin("listen", "--url", url, token=token) as listening:
            assert listening.stdout is not None
            assert json.loads(listening.stdout.readline())["event"] == "connected"
            status = json.loads(shell.run("send", "--url", url, "status", token=token).stdout)
            (room,) = status["data"]["connection"]["rooms"]
            control = tmp_path / "control"
            assert stat.S_IMODE(control.stat().st_mode) == 0o600
            sent = shell.run("emit", room, "news", '{"x": "خبر"}', "--socket", str(control))
            assert (sent.returncode, sent.stderr) == (0, "")
            assert json.loads(listening.stdout.readline()) == {"event": "news", "data": {"x": "خبر"}}
            refused = shell.run("emit", room, "connect", "--socket", str(control))
            assert refused.returncode == 1
            assert api.stop() == 0
            assert listening.wait(PATIENCE) == 1
            assert "The connection was closed (1012" in listening.communicate()[1]
        assert "خبر" not in api.text
        assert token not in api.text


def test_control_c_ends_a_command_without_a_word(shell: Shell) -> None:
    listening = shell.begin("listen", "--url", shell.pair.api_url)
    assert listening.stdout is not None
    assert json.loads(listening.stdout.readline())["event"] == "connected"
    listening.send_signal(signal.SIGINT)
    assert listening.wait(PATIENCE) == 130
    assert listening.communicate() == ("", "")


def type_hello(chatting: subprocess.Popen[str]) -> None:
    """Ask, and wait until the answer has begun."""
    assert chatting.stdin is not None
    assert chatting.stdout is not None
    chatting.stdin.write("How are you?\n")
    chatting.stdin.flush()
    assert chatting.stdout.read(5) == "Hello"


def test_an_answer_is_resumed_after_a_cut(shell: Shell) -> None:
    token = shell.pair.acquire()
    with Relay(shell.pair.api.port) as relay:
        chatting = shell.begin("chat", "--url", f"http://127.0.0.1:{relay.port}", "--locale", "en", token=token)
        type_hello(chatting)
        relay.cut()
        shell.ai.go_on.set()
        said, complaints = chatting.communicate(timeout=PATIENCE)
    shell.ai.go_on.clear()
    assert (chatting.returncode, complaints) == (0, "")
    assert said == "\n[connection lost, resuming]\n, world\n"


def test_what_is_typed_last_needs_no_end_of_line(shell: Shell) -> None:
    chatting = shell.begin("chat", "--url", shell.pair.api_url, "--locale", "en", token=shell.pair.acquire())
    shell.ai.go_on.set()
    said, complaints = chatting.communicate("How are you?", timeout=PATIENCE)
    shell.ai.go_on.clear()
    assert (chatting.returncode, said, complaints) == (0, "Hello, world\n", "")


def test_control_c_stops_the_answer_and_then_the_chat(shell: Shell) -> None:
    token = shell.pair.acquire()
    chatting = shell.begin("chat", "--url", shell.pair.api_url, "--locale", "en", token=token)
    type_hello(chatting)
    chatting.send_signal(signal.SIGINT)
    assert chatting.stdout is not None
    assert chatting.stdout.readline() == "\n"
    chatting.send_signal(signal.SIGINT)
    assert chatting.wait(PATIENCE) == 130
    assert chatting.communicate()[1] == ""
