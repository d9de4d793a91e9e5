"""What is plain, and that twisted.web reads whatever is plain in the same way (CWE-444)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.web import http
from twisted.web.resource import Resource

from tests.support.memory import HttpClient, compose
from yekta.web.facts import facts
from yekta.web.plain import MAX_FIELDS, MAX_HEAD, may_be_plain, parse
from yekta.web.repeated import Repeated
from yekta.web.request import Request, parse_target
from yekta.web.site import Limits, Site

GET = compose("GET", "/socket.io/?EIO=4&transport=polling", {"Accept": "*/*", "Connection": "keep-alive"})
POST = compose("POST", "/socket.io/?EIO=4", {"Content-Type": "text/plain;charset=UTF-8", "Content-Length": "2"})
UPGRADE = compose("GET", "/ws?token=a", {"Upgrade": "websocket", "Connection": "keep-alive, Upgrade"})


def with_field(field: bytes, head: bytes = GET) -> bytes:
    """``head`` with one field more, its end included, as its last."""
    return head[:-2] + field + b"\r\n"


def test_a_plain_head_is_read() -> None:
    head = parse(POST)
    assert head is not None
    assert (head.method, head.target, head.length, head.close) == ("POST", "/socket.io/?EIO=4", 2, False)
    assert head.headers == {
        "host": "gateway.example", "content-type": "text/plain;charset=UTF-8", "content-length": "2",
    }


@pytest.mark.parametrize(
    "head",
    [
        GET,
        POST,
        with_field(b"X-Empty:\r\n"),
        with_field(b"X:a\tb  c\r\n"),
        with_field(b"Accept: text/html\r\n"),
        UPGRADE,
        GET.replace(b"keep-alive", b"close"),
    ],
)
def test_these_are_plain(head: bytes) -> None:
    assert parse(head) is not None


def test_the_connection_ends_where_the_client_says_so_and_lists_are_joined() -> None:
    head = parse(with_field(b"aCCEPT: text/html\r\n", GET.replace(b"keep-alive", b"Close")))
    assert head is not None
    assert head.close
    assert head.headers["accept"] == "*/*, text/html"


NOT_PLAIN = {
    "a folded line": with_field(b"X: a\r\n b\r\n"),
    "a bare LF": with_field(b"X: a\nY: b\r\n"),
    "a bare CR": with_field(b"X: a\rY: b\r\n"),
    "LF as the end of a line": GET.replace(b"\r\n", b"\n"),
    "a space before the colon": with_field(b"X : a\r\n"),
    "a tab before the value": with_field(b"X:\ta\r\n"),
    "two spaces before the value": with_field(b"X:  a\r\n"),
    "a space after the value": with_field(b"X: a \r\n"),
    "a tab after the value": with_field(b"X: a\t\r\n"),
    "nothing but a space": with_field(b"X: \r\n"),
    "no colon": with_field(b"X\r\n"),
    "no name": with_field(b": a\r\n"),
    "a NUL": with_field(b"X: \0\r\n"),
    "DEL": with_field(b"X: \x7f\r\n"),
    "a vertical tab": with_field(b"X: a\x0bb\r\n"),
    "not ASCII": with_field(b"X: \xff\r\n"),
    "a name that is no token": with_field(b"X(: a\r\n"),
    "no Host": GET.replace(b"Host", b"Hose"),
    "two Hosts": with_field(b"Host: b\r\n"),
    "two lengths": with_field(b"Content-Length: 2\r\n", POST),
    "a list of lengths": POST.replace(b"Length: 2", b"Length: 2, 2"),
    "a signed length": POST.replace(b"Length: 2", b"Length: +2"),
    "a length with an underscore": POST.replace(b"Length: 2", b"Length: 1_0"),
    "no digits": POST.replace(b"Length: 2", b"Length:"),
    "a length without end": POST.replace(b"Length: 2", b"Length: " + b"9" * 16),
    "no length": POST.replace(b"Content-Length: 2\r\n", b""),
    "chunks": POST.replace(b"Content-Length: 2", b"Transfer-Encoding: chunked"),
    "a length and chunks": with_field(b"Transfer-Encoding: chunked\r\n", POST),
    "a GET with a body": with_field(b"Content-Length: 2\r\n"),
    "a GET with an empty body": with_field(b"Content-Length: 0\r\n"),
    "Expect": with_field(b"Expect: 100-continue\r\n", POST),
    "two Connections": with_field(b"Connection: close\r\n"),
    "an odd Connection": GET.replace(b"keep-alive", b"keep-alive, close"),
    "HTTP/1.0": GET.replace(b"HTTP/1.1", b"HTTP/1.0"),
    "HTTP/2": GET.replace(b"HTTP/1.1", b"HTTP/2.0"),
    "http": GET.replace(b"HTTP/1.1", b"http/1.1"),
    "no version": b"GET /\r\n\r\n",
    "another method": GET.replace(b"GET", b"HEAD", 1),
    "a method in lower case": GET.replace(b"GET", b"get", 1),
    "an absolute target": GET.replace(b" /socket", b" http://a/socket"),
    "an asterisk": GET.replace(b" /socket", b" *"),
    "a space in the target": GET.replace(b"/socket", b"/ socket"),
    "two spaces": GET.replace(b"GET ", b"GET  "),
    "a target that is not ASCII": GET.replace(b"/socket", b"/\xff"),
    "a line end before it": b"\r\n" + GET,
    "something after it": GET + b"x",
    "no end": GET[:-2],
    "no end, after a space": GET[:-4] + b" \r\n",
    "a long head": with_field(b"X: " + b"a" * MAX_HEAD + b"\r\n"),
}


@pytest.mark.parametrize("head", NOT_PLAIN.values(), ids=NOT_PLAIN)
def test_these_are_somebody_else_s(head: bytes) -> None:
    assert parse(head) is None


@pytest.mark.parametrize("data", [b"", b"G", b"GET /", b"POST /a", GET[:-1]])
def test_a_beginning_may_become_plain(data: bytes) -> None:
    assert may_be_plain(data)


@pytest.mark.parametrize("data", [b"\r", b"get", b"PUT ", b"GET *", b"\x16\x03\x01", b"GET /" + b"a" * MAX_HEAD])
def test_or_never_will(data: bytes) -> None:
    assert not may_be_plain(data)


class _Writer(Resource):
    """Writes down what it is asked."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[Request, bytes]] = []

    def render(self, request: http.Request) -> bytes:
        assert request.content is not None
        self.asked.append((facts(request), request.content.read()))
        return b""


@st.composite
def almost_plain(draw: st.DrawFn) -> bytes:
    """A plain head with a few bytes changed, gone or added."""
    head = bytearray(draw(st.sampled_from((GET, POST, UPGRADE, with_field(b"Accept: a\r\n")))))
    odd = st.sampled_from([b"\r\n", *(bytes([byte]) for byte in b"\r\n \t:\0\xff,a0%&=")])
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(head) - 1))
        head[place : place + draw(st.integers(0, 2))] = draw(odd)
    return bytes(head)


@settings(max_examples=400, deadline=None)
@given(almost_plain())
def test_twisted_web_reads_what_is_plain_in_the_same_way(data: bytes) -> None:
    head = parse(data)
    if head is None:
        return
    body, writer, clock = b"x" * head.length, _Writer(), Clock()
    client = HttpClient(Site(clock, writer, Limits()), clock)
    client.send(data + body)
    path, query = parse_target(head.target)
    expected = Request(head.method, path, query, head.headers, "203.0.113.7")
    assert writer.asked == [(expected, body)]
    client.hang_up()
    clock.advance(20)


@settings(max_examples=400, deadline=None)
@given(st.lists(almost_plain(), min_size=1, max_size=4))
def test_what_is_remembered_of_others_changes_nothing(sent: list[bytes]) -> None:
    repeated = Repeated()
    for data in (GET, POST, *sent, *sent):
        assert repeated.parse(data) == parse(data)


@pytest.mark.parametrize("more", [0, 1])
def test_only_so_many_fields_are_plain(more: int) -> None:
    head = b"GET / HTTP/1.1\r\nHost: a\r\n" + b"Via: b\r\n" * (MAX_FIELDS - 1 + more) + b"\r\n"
    assert (parse(head) is None) == more
