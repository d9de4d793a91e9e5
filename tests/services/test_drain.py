"""A service that is stopped while clients are busy: who is refused, what is finished, and what hurries it."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from subprocess import TimeoutExpired
from time import monotonic
from typing import Any

import pytest

from tests.support.attacks import Wire, head, opening
from tests.support.services import Service, acquire, started
from tests.support.strangers import Native

# Seconds that a stop may take where nothing is worth waiting for.
PROMPT = 5.0

CHAT = '{"message": "?", "messageId": "m"}'


class SlowAI(ThreadingHTTPServer):
    """Says the first half of an answer, and the second when it may."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.may_end = threading.Event()

    @property
    def settings(self) -> dict[str, str]:
        return {"AI_BASE_URL": f"http://127.0.0.1:{self.server_address[1]}/v1"}


class _Answering(BaseHTTPRequestHandler):
    server: SlowAI

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        with suppress(ConnectionError):
            self._say("half ", None)
            self.server.may_end.wait(20)
            self._say("and half", "stop")
            self.wfile.write(b"data: [DONE]\n\n")

    def _say(self, text: str, reason: str | None) -> None:
        choice = {"index": 0, "delta": {"content": text}, "finish_reason": reason}
        self.wfile.write(f"data: {json.dumps({'choices': [choice]})}\n\n".encode())

    def log_message(self, *_: Any) -> None:
        """Silence."""


@pytest.fixture
def ai() -> Iterator[SlowAI]:
    with SlowAI() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.may_end.set()
        server.shutdown()


def test_who_comes_now_is_sent_elsewhere(tmp_path: Path) -> None:
    with started("yektayar-api", folder=tmp_path) as api:
        port = api.port
        token = acquire(port)
        # So many are not sent away in one moment.
        crowd = [Native(port, token) for _ in range(60)]
        wires = [Wire(port) for _ in range(3)]
        for wire in wires:
            assert wire.request("GET", "/health/ready").status == 200
        api.process.send_signal(signal.SIGTERM)
        while (ready := wires[0].request("GET", "/health/ready")).status == 200:
            pass
        assert ready.status == 503
        assert ready.json()["status"] == "not ready"
        polling = wires[1].request("GET", "/socket.io/?EIO=4&transport=polling")
        assert (polling.status, polling.headers["retry-after"]) == (503, "1")
        wires[2].send(opening(f"/ws?token={token}"))
        native = wires[2].response()
        assert (native.status, native.headers["retry-after"]) == (503, "1")
        assert [client.end() for client in crowd] == [1012] * 60
        assert api.wait() == 0
        for wire in (*wires, *crowd):
            wire.close()
    assert "Traceback" not in api.text


def test_answers_under_way_are_finished(tmp_path: Path, ai: SlowAI) -> None:
    with started("yektayar-api", folder=tmp_path, settings=ai.settings) as api:
        token = acquire(api.port)
        with asking(api) as client, Native(api.port, token) as idle, Wire(api.port) as rest:
            rest.send(head("POST", "/api/ai/chat", "Content-Type: application/json", '{"message": "?"}'))
            with Native(api.port, token) as witness:
                # By now the other request has been read as well.
                witness.say("ping", "{}")
                assert witness.hear()[0] == "pong"
            api.process.send_signal(signal.SIGTERM)
            assert idle.end() == 1012
            assert api.process.poll() is None
            ai.may_end.set()
            assert rest.response().json()["response"] == "half and half"
            assert client.hear()[0] == "ai:response:chunk"
            name, data = client.hear()
            assert (name, data["fullResponse"]) == ("ai:response:complete", "half and half")
            assert client.end() == 1012
        assert api.wait() == 0
    assert "Traceback" not in api.text


def test_answers_that_take_too_long_are_not(tmp_path: Path, ai: SlowAI) -> None:
    settings = {**ai.settings, "DRAIN_ANSWERS_SECONDS": "0.3"}
    with started("yektayar-api", folder=tmp_path, settings=settings) as api, asking(api) as client:
        began = monotonic()
        api.process.send_signal(signal.SIGTERM)
        assert client.end() == 1012
        assert 0.3 <= monotonic() - began < PROMPT
        assert api.wait() == 0


def test_asked_again_it_hurries(tmp_path: Path, ai: SlowAI) -> None:
    with started("yektayar-api", folder=tmp_path, settings=ai.settings) as api, asking(api) as client:
        api.process.send_signal(signal.SIGTERM)
        with pytest.raises(TimeoutExpired):
            api.process.wait(1.2)
        api.process.send_signal(signal.SIGTERM)
        began = monotonic()
        assert client.end() == 1012
        assert api.wait() == 0
        assert monotonic() - began < PROMPT
    assert "Traceback" not in api.text


def asking(api: Service) -> Native:
    """Somebody who has heard half of an answer."""
    client = Native(api.port, acquire(api.port))
    client.say("ai:chat", CHAT)
    assert [client.hear()[0] for _ in range(2)] == ["ai:response:start", "ai:response:chunk"]
    return client
