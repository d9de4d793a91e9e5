"""Real clients of a service that ends TLS by itself."""

from __future__ import annotations

import json
import signal
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.attacks import WebSocket, Wire, opening
from tests.support.certificates import certify
from tests.support.node import told
from tests.support.services import acquire, started

# And how often. The last is longer than what TCP and TLS take in one piece.
TEXTS = [("سلام 🌱", 1), ("the same words again ", 50), ("ی", 200_000)]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, str]]:
    """A service's address, the token of a session, and the certificate that is to be trusted."""
    folder = tmp_path_factory.mktemp("tls")
    certificate: Path = certify(folder, "localhost")
    # Who polls is killed at last, and is not seen to go.
    settings = {"DATABASE_URL": f"sqlite:///{folder}/db", "DEFLATE_THRESHOLD": "1", "CLOSE_TIMEOUT": "0.1"}
    with started("yektayar-api", folder=folder, settings=settings) as plain:
        token = acquire(plain.port)
    listen = (f"ssl:0:interface=127.0.0.1:privateKey={certificate}",)
    with started("yektayar-ws", folder=folder, settings=settings, listen=listen) as service:
        yield f"https://localhost:{service.port}", token, str(certificate)
        assert service.stop() == 0
        assert "Traceback" not in service.text


@pytest.mark.needs("node")
@pytest.mark.parametrize("compresses", [False, True], ids=["plain", "compressed"])
@pytest.mark.parametrize("transports", [["websocket"], ["polling"], ["polling", "websocket"]], ids=",".join)
def test_socketio_over_tls(town: tuple[str, str, str], transports: list[str], compresses: bool) -> None:
    url, token, certificate = town
    said = told("secure.mjs", url, token, transports, compresses, certificate, TEXTS)
    assert said["back"] == [True] * len(TEXTS)
    assert said["returned"] == (12 if transports[-1] == "websocket" else 1)
    assert said["recovered"] is True
    assert said["transport"] == transports[-1]
    assert bool(said["extensions"]) == (compresses and transports[-1] == "websocket"), said


def test_everybody_hears_a_goodbye_in_both_languages(tmp_path: Path) -> None:
    """WebSocket's and TLS's, without which nobody knows whether what came was all."""
    certificate = certify(tmp_path, "localhost")
    context = ssl.create_default_context(cafile=certificate)

    def connect() -> ssl.SSLSocket:
        plain = socket.create_connection(("127.0.0.1", service.port), 20)
        return context.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False)

    def come(target: str) -> WebSocket:
        client = WebSocket.of(connect())
        client.send(opening(target))
        assert client.response().status == 101
        return client

    listen = (f"ssl:0:interface=127.0.0.1:privateKey={certificate}",)
    settings = {"DRAIN_SECONDS": "0.1"}
    with started("yektayar-api", folder=tmp_path, settings=settings, listen=listen) as service, ExitStack() as stack:
        with Wire.of(connect()) as wire:
            token = wire.request("POST", "/api/auth/acquire-session").json()["data"]["token"]
        native = [stack.enter_context(come(f"/ws?token={token}")) for _ in range(10)]
        polite = [stack.enter_context(come("/socket.io/?EIO=4&transport=websocket")) for _ in range(10)]
        for client in polite:
            client.send_text("40" + json.dumps({"token": token}))
            while not client.text().startswith("42"):
                pass
        service.process.send_signal(signal.SIGTERM)
        assert [client.end() for client in (*native, *polite)] == [1012] * 10 + [1000] * 10
        # A cut would be an `SSLEOFError`.
        assert {client.socket.recv(1) for client in (*native, *polite)} == {b""}
        stack.close()
        assert service.stop() == 0
        assert "Traceback" not in service.text
