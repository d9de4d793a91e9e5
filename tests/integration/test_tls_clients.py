"""Real clients of a service that ends TLS by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

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
    settings = {"DATABASE_URL": f"sqlite:///{folder}/db", "DEFLATE_THRESHOLD": "1"}
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
    assert said["transport"] == transports[-1]
    assert bool(said["extensions"]) == (compresses and transports[-1] == "websocket"), said
