"""Being stopped: every client hears a proper goodbye, and the process ends as one that did what it was asked."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from tests.support.attacks import Over, Wire
from tests.support.services import acquire, paired, started
from tests.support.strangers import Native, Polling, SocketIO

# Seconds that a stop may take where every client answers its goodbye.
PROMPT = 3.0

SIGNALS = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])


def heard(wait: Callable[[], Any]) -> Callable[[], Any]:
    """Begin to wait in a thread; gives what to call for the result."""
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(wait()), daemon=True)
    thread.start()

    def result() -> Any:
        thread.join(PROMPT)
        return results[0] if results else "nothing"

    return result


def goodbye(client: SocketIO) -> list[str | int | None]:
    """All packets up to the end, and its close code. After a DISCONNECT packet socket.io-client would stay away."""
    packets: list[str | int | None] = []
    try:
        while True:
            packets.append(client.packet())
    except Over as over:
        return [*packets, over.code]


@SIGNALS
def test_everybody_hears_a_goodbye(tmp_path: Path, number: signal.Signals) -> None:
    with paired(tmp_path) as pair:
        token = pair.acquire()
        for service in (pair.api, pair.ws):
            with (
                Native(service.port, token) as native,
                SocketIO(service.port, token) as socketio,
                Polling(service.port, token) as polling,
                Wire(service.port) as idle,
            ):
                assert idle.request("GET", "/").status == 200
                polling.wire.send(f"GET {polling.target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
                codes = heard(native.end), heard(lambda client=socketio: goodbye(client)), heard(polling.wire.response)
                native.say("echo", "1")
                began = monotonic()
                status = service.stop(number)
                assert status == 0
                assert monotonic() - began < PROMPT
                assert codes[0]() == 1012
                assert codes[1]() == [1000]
                poll = codes[2]()
                assert poll.status == 200
                assert poll.body == b"1"
            assert "Traceback" not in service.text
            assert "Unhandled" not in service.text


def test_a_client_that_does_not_answer_the_goodbye_is_not_waited_for_long(tmp_path: Path) -> None:
    with started("yektayar-api", "--close-timeout=0.2", folder=tmp_path) as api:
        with Native(api.port, acquire(api.port)):
            began = monotonic()
            assert api.stop() == 0
            assert monotonic() - began < PROMPT
        assert "Traceback" not in api.text


def test_asked_twice_it_stops_once(tmp_path: Path) -> None:
    with started("yektayar-api", "--close-timeout=0.5", folder=tmp_path) as api:
        with Native(api.port, acquire(api.port)) as native:
            api.process.send_signal(signal.SIGTERM)
            assert native.take(2)[0] == 0x88
            api.process.send_signal(signal.SIGINT)
            api.process.send_signal(signal.SIGTERM)
            assert api.wait() == 0
        assert "Traceback" not in api.text


def test_nobody_new_is_let_in_while_it_stops(tmp_path: Path) -> None:
    with started("yektayar-api", "--close-timeout=1", folder=tmp_path) as api:
        port = api.port
        with Native(port, acquire(port)) as native:
            api.process.send_signal(signal.SIGTERM)
            assert native.take(2)[0] == 0x88
            while is_open(port):
                pass
            assert api.process.poll() is None
            assert api.wait() == 0


def test_one_that_has_a_name_is_found_by_who_polls_until_nobody_does(tmp_path: Path) -> None:
    """A proxy goes by the name: where it needs a new connection, there is no other process that it could ask."""
    with started("yektayar-api", "--close-timeout=5", "--process-name=a", folder=tmp_path) as api:
        port = api.port
        token = acquire(port)
        with Native(port, token) as native, Polling(port, token) as polling:
            api.process.send_signal(signal.SIGTERM)
            assert native.take(2)[0] == 0x88
            with Wire(port) as newcomer:
                assert newcomer.request("GET", "/socket.io/?EIO=4&transport=polling").status == 503
            with Wire(port) as another:
                assert another.request("GET", polling.target).body == b"1"
            while is_open(port):
                pass
            assert api.process.poll() is None
        assert api.wait() == 0
        assert "Traceback" not in api.text


def is_open(port: int) -> bool:
    try:
        Wire(port).close()
    except ConnectionError:
        return False
    return True
