"""Where the command connects to, and what it says of that."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.internet.ssl import DefaultOpenSSLContextFactory
from twisted.web import http
from twisted.web.resource import Resource
from twisted.web.server import Site

from tests.support.certificates import certify
from tests.support.patience import soon
from tests.support.wrong_servers import wrong
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


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:3000?token=x",
        "http:///path",
        "localhost:3000",
        "ws://localhost",
        "http://localhost:65536",
        "http://localhost:0",
        "http://localhost:x",
        "http://[::1",
        "http://..:3000",
        "http://a b",
        "http://a\nb",
        "http://localhost/#x",
        "http://user:secret@localhost",
    ],
)
def test_what_is_no_url_of_a_service_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(CommandError, match=r"^The URL must be one such as http://localhost:3000\.$"):
        base(url)


@pytest.mark.parametrize("address", ["x", ":1", "localhost:", "localhost:65536", "localhost:-1", "localhost:٣"])
def test_an_address_to_connect_to_has_a_port(address: str) -> None:
    with pytest.raises(CommandError, match=r"^--connect must be ADDRESS:PORT\.$"):
        network(connect=address)


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("http://[::1]:3000/", "http://[::1]:3000"),
        ("https://api.example/behind/", "https://api.example/behind"),
        ("http://دامنه.example:3000/%20é", "http://xn--mgbp1eef.example:3000/%20%C3%A9"),
        ("http://localhost:65535", "http://localhost:65535"),
    ],
)
def test_a_url_becomes_what_others_are_appended_to(url: str, wanted: str) -> None:
    assert base(url) == wanted


LATE = "It took too long"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "closes", "reason"),
    [
        (b"", False, LATE),
        (b"HTTP/1.1 200", False, LATE),
        (HEAD, False, LATE),
        (HEAD + b"12345678", False, LATE),
        (HEAD + b"12345678", True, "Connection was closed cleanly"),
        (b"SSH-2.0-secret\r\n", False, "What it says is not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: secret\r\n\r\n", False, "What it says is not HTTP"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nsecret\r\n", False, "What it says is not HTTP"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_whoever_gives_no_whole_answer_in_time_is_told_of(answer: bytes, closes: bool, reason: str) -> None:
    asking = network(timeout=0.2)
    async with wrong(answer, closes) as server:
        with pytest.raises(CommandError) as caught:
            await soon(Deferred.fromCoroutine(asking.request("GET", f"{server.url}/secret")))
        assert str(caught.value) == f"{server.url} does not answer: {reason}."
    await asking.close()


@pytest_twisted.ensureDeferred
async def test_an_address_of_the_sixth_version_is_asked() -> None:
    asking = network()
    async with wrong(HEAD + b"123456789", interface="::1") as server:
        answer = await asking.request("POST", f"{server.url}/path", bearer("x"), "body")
        assert (answer.status, answer.text, answer.json) == (200, "123456789", 123456789)
        assert server.asked.startswith(b"POST /path HTTP/1.1\r\n")
        assert f"\r\nHost: {server.url.removeprefix('http://')}\r\n".encode() in server.asked
        await asking.close()


@pytest_twisted.ensureDeferred
async def test_a_certificate_that_will_not_do_is_said_to_be_why(tmp_path: Path) -> None:
    certificate = str(certify(tmp_path, "a.example"))
    context = DefaultOpenSSLContextFactory(certificate, certificate)
    port = reactor.listenSSL(0, Site(Elsewhere()), context, interface="127.0.0.1")
    connect = f"127.0.0.1:{port.getHost().port}"
    for cafile, host, reason in (
        (None, "a.example", "TLS failed: certificate verify failed"),
        (certificate, "b.example", "Its certificate is of another name"),
    ):
        asking = network(connect=connect, cafile=cafile)
        with pytest.raises(CommandError, match=rf"^https://{host} does not answer: {reason}\.$"):
            await asking.request("GET", f"https://{host}/")
        await asking.close()
    await port.stopListening()
