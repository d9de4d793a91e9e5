"""Where the command connects to, and what it says of that."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor as _reactor
from twisted.web import http
from twisted.web.resource import Resource
from twisted.web.server import Site

from yekta.command.failure import CommandError
from yekta.command.network import Network, base, origin
from yekta.command.session import acquire, bearer

reactor: Any = _reactor


class Elsewhere(Resource):
    """Sends whoever comes to another path. ``asked``: every path, and whether a token came along."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[bytes, bool]] = []

    def render(self, request: http.Request) -> bytes:
        self.asked.append((request.path, request.getHeader("authorization") is not None))
        request.redirect(b"/elsewhere")
        return b""


def network(**options: Any) -> Network:
    return Network(reactor, Namespace(**{"timeout": 10.0, "cafile": None, "connect": None, **options}))


@pytest_twisted.ensureDeferred
async def test_nobody_is_followed_to_another_place() -> None:
    elsewhere, asking = Elsewhere(), network()
    port = reactor.listenTCP(0, Site(elsewhere), interface="127.0.0.1")
    url = f"http://127.0.0.1:{port.getHost().port}"
    assert (await asking.request("GET", f"{url}/health", bearer("secret"))).status == 302
    with pytest.raises(CommandError, match=rf"^{url} gave no session: HTTP 302\.$"):
        await acquire(asking, url)
    assert elsewhere.asked == [(b"/health", True), (b"/api/auth/acquire-session", False)]
    await asking.close()
    await port.stopListening()


def test_a_url_is_shown_without_what_may_be_secret() -> None:
    assert origin("https://user:secret@api.example:8443/path?token=secret") == "https://api.example:8443"


@pytest.mark.parametrize("url", ["http://localhost:3000?token=x", "http:///path", "localhost:3000", "ws://localhost"])
def test_what_is_no_url_of_a_service_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(CommandError, match=r"^The URL must be one such as http://localhost:3000\.$"):
        base(url)


@pytest.mark.parametrize("address", ["x", ":1", "localhost:", "localhost:65536", "localhost:-1", "localhost:٣"])
def test_an_address_to_connect_to_has_a_port(address: str) -> None:
    with pytest.raises(CommandError, match=r"^--connect must be ADDRESS:PORT\.$"):
        network(connect=address)
