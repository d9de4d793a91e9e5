"""Whatever was read before, a head is read as it is said; and nothing is kept of it that is one client's own."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.memory import compose
from yekta.web.plain import MAX_HEAD, parse
from yekta.web.repeated import MAX_BYTES, MOST, Repeated

PAGE = {"Accept": "*/*", "Origin": "https://app.example", "User-Agent": "Mozilla/5.0", "Sec-Fetch-Mode": "cors"}


def get(target: str = "/socket.io/?sid=a", **fields: str) -> bytes:
    return compose("GET", target, {**PAGE, **fields})


def post(length: int, **fields: str) -> bytes:
    return compose("POST", "/socket.io/?sid=a", {**PAGE, "Content-Length": str(length), **fields})


def said(head: bytes) -> object:
    read = parse(head)
    assert read is not None
    return read


@pytest.mark.parametrize("make", [get, lambda target="/": post(7).replace(b"/socket.io/?sid=a", target.encode())])
def test_what_is_said_again_is_not_read_again(make: Callable[..., bytes]) -> None:
    repeated = Repeated()
    one, other = (repeated.parse(make(target)) for target in ("/a", "/b"))
    again = repeated.parse(make("/b"))
    assert one is not None
    assert other is not None
    assert again is not None
    assert (one, other) == (said(make("/a")), said(make("/b")))
    assert other.headers is again.headers
    assert isinstance(other.headers, MappingProxyType)
    assert len(repeated) == 1


@pytest.mark.parametrize(
    "own",
    [
        {"Cookie": "token=a"},
        {"cookie": "a=1; b=2", "Authorization": "Bearer a"},
        {"Cookie": "a" * MAX_BYTES},
        {"X-Forwarded-For": "203.0.113.7"},
        {"x-forwarded-for": "unknown, 2001:db8::7", "X-REAL-IP": "203.0.113.7"},
    ],
    ids=str,
)
@pytest.mark.parametrize("ask", [get, lambda **fields: post(2, **fields)], ids=["GET", "POST"])
def test_what_is_ones_own_does_not_hide_the_rest(own: dict[str, str], ask: Callable[..., bytes]) -> None:
    repeated = Repeated()
    for number in range(3):
        head = ask(**{name: value + str(number) for name, value in own.items()})
        assert repeated.parse(head) == said(head)
        assert len(repeated) == 1
    assert not any(value[:9] in repr((repeated._whole, repeated._around)) for value in own.values())


@pytest.mark.parametrize(
    "fields",
    [
        {"X-Api-Key": "a"},
        {"Sec-WebSocket-Protocol": "token"},
        {"X-Forwarded-For": "203.0.113.7", "x-forwarded-for": "198.51.100.1"},
        {"Cookie": "a", "cookie": "b"},
        {"Cookie": "a "},
        {"Content-Length": "1"},
        {"Transfer-Encoding": "chunked"},
        {"User-Agent": "x" * MAX_BYTES},
        {"Referer": "https://app.example/", "referer": "https://app.example/"},
    ],
    ids=str,
)
@pytest.mark.parametrize("is_known", [True, False])
def test_what_is_odd_is_read_each_time(fields: dict[str, str], is_known: bool) -> None:
    repeated = Repeated()
    if is_known:
        for head in (get(), get(Cookie="a"), post(1)):
            repeated.parse(head)
    before, head = len(repeated), get(**fields)
    for _ in range(2):
        assert repeated.parse(head) == parse(head)
    assert len(repeated) == before


@pytest.mark.parametrize(
    "head",
    [
        post(2, Cookie="a").replace(b"Length: 2", b"Length: +2"),
        post(2, Cookie="a").replace(b"Length: 2", b"Length: " + b"2" * 16),
        post(2, Cookie="a" * MAX_HEAD),
    ],
    ids=["a sign", "many digits", "a long head"],
)
def test_ones_own_must_be_plain_too(head: bytes) -> None:
    repeated = Repeated()
    repeated.parse(post(3, Cookie="b"))
    assert parse(head) is repeated.parse(head) is None


def test_only_so_many_are_remembered() -> None:
    repeated, sizes = Repeated(), []
    for number in range(2 * MOST):
        repeated.parse(get(**{"User-Agent": str(number), **({"Cookie": "a"} if number % 2 else {})}))
        sizes.append(len(repeated))
    assert max(sizes) == MOST
    assert sizes.count(MOST) == 2


LINES = st.sampled_from(
    [
        *(b"Host: a", b"Accept: */*", b"Accept: b", b"Connection: close", b"Content-Type: text/plain", b"X-Odd: 1"),
        *(b"Content-Length: 1", b"content-length: 22", b"Content-Length: +1", b"Content-Length:3"),
        b"Content-Length: 1 ",
        *(b"Cookie: a=1", b"cookie: b=2", b"Cookie:  c", b"Cookie: \xff", b"Cookie: a\nHost: b", b"Cookie: a\r", b""),
        *(b"X-Forwarded-For: 1.2.3.4", b"x-forwarded-for: 5.6.7.8", b"X-Real-Ip: 1.2.3.4", b"Authorization: Bearer a"),
    ]
)
HEADS = st.builds(
    lambda method, lines, end: b"\r\n".join([method + b" /a HTTP/1.1", *lines, end]),
    st.sampled_from([b"GET", b"POST", b"PUT"]),
    st.lists(LINES, max_size=6),
    st.sampled_from([b"\r\n", b"\r", b"\n", b"", b"\r\n\r\n"]),
)


@settings(max_examples=1500, deadline=None)
@given(st.lists(HEADS, min_size=1, max_size=5), st.lists(LINES, max_size=3))
def test_what_is_remembered_changes_nothing(sent: list[bytes], more: list[bytes]) -> None:
    repeated = Repeated()
    common = [b"Host: a", b"Accept: */*", *more]
    for method in (b"GET", b"POST"):
        sent.append(b"\r\n".join([method + b" /b HTTP/1.1", *common, b"\r\n"]))
        sent.append(b"\r\n".join([method + b" /b HTTP/1.1", b"Content-Length: 5", *common, b"\r\n"]))
    for head in (*sent, *sent, *reversed(sent)):
        assert repeated.parse(head) == parse(head)
