"""Our short opening handshake says what Autobahn's says, or leaves it to Autobahn (RFC 6455, 4.2)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock

from tests.support.memory import MemoryTransport, compose
from tests.support.websockets import HANDSHAKE, TEXT, Recorder, client_frame
from yekta.web.request import KEY, Request, parse_target
from yekta.websocket import opening
from yekta.websocket.factory import WebSocketFactory
from yekta.websocket.limits import Limits
from yekta.websocket.opening import answer
from yekta.websocket.protocol import WebSocket

OWN = {"Vary": "Origin", "Set-Cookie": "io=a; Path=/"}
BROWSER = {
    "Connection": "keep-alive, Upgrade",
    "Origin": "http://localhost:5173",
    "User-Agent": "Mozilla/5.0",
    "Accept-Encoding": "gzip, deflate, br",
    "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits",
}

# What changes of a handshake, and whether the short way answers it; ``None`` leaves the header out.
CHANGES: list[tuple[dict[str, str | None], bool]] = [
    ({}, True),
    (dict(BROWSER), True),
    ({"Upgrade": "WebSocket"}, True),
    ({"Connection": "upgrade"}, True),
    ({"Host": "a:3000"}, True),
    ({"Host": "[::1]:3000"}, True),
    ({"Host": "a:64999"}, True),
    ({"Origin": "https://app.example"}, True),
    ({"Sec-WebSocket-Extensions": "permessage-deflate"}, True),
    ({"Upgrade": "websocket, h2c"}, False),
    ({"Upgrade": None}, False),
    ({"Connection": "close"}, False),
    ({"Connection": None}, False),
    ({"Connection": "foo, upgrade"}, False),
    ({"Host": None}, False),
    ({"Host": "a:b"}, False),
    ({"Host": "a:99999"}, False),
    ({"Host": "a, b"}, False),
    ({"Host": ""}, False),
    ({"Origin": "nonsense"}, False),
    ({"Origin": "null"}, False),
    ({"Origin": "http://a, http://b"}, False),
    ({"Origin": "http://a:99999"}, False),
    ({"Origin": "http://"}, False),
    ({"Sec-WebSocket-Version": "7"}, False),
    ({"Sec-WebSocket-Version": "13, 13"}, False),
    ({"Sec-WebSocket-Version": "x"}, False),
    ({"Sec-WebSocket-Version": None}, False),
    ({"Sec-WebSocket-Key": "short"}, False),
    ({"Sec-WebSocket-Key": "A" * 24}, False),
    ({"Sec-WebSocket-Key": "A" * 21 + "-=="}, False),
    ({"Sec-WebSocket-Key": None}, False),
    ({"Sec-WebSocket-Protocol": "chat"}, False),
    ({"Sec-WebSocket-Protocol": "a, a"}, False),
    ({"Sec-WebSocket-Extensions": "constructor"}, False),
    ({"Sec-WebSocket-Extensions": "permessage-deflate; server_max_window_bits=99"}, False),
    ({"Content-Length": "0"}, False),
]


def changed(change: Mapping[str, str | None]) -> dict[str, str]:
    headers = {"Host": "gateway.example", **HANDSHAKE, **change}
    return {name: value for name, value in headers.items() if value is not None}


def asked(target: str, headers: Mapping[str, str]) -> Request:
    path, query = parse_target(target)
    return Request("GET", path, query, {name.lower(): value for name, value in headers.items()})


def by_autobahn(target: str, headers: Mapping[str, str]) -> bytes:
    """Autobahn's answer."""
    clock = Clock()
    websocket, transport = build(WebSocketFactory(clock, Limits()), clock, Recorder())
    lines = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    websocket.dataReceived("\r\n".join(lines).encode())
    said = b"".join(transport.writes)
    transport.lose()
    return said


def build(factory: WebSocketFactory, clock: Clock, recorder: Recorder) -> tuple[WebSocket, MemoryTransport]:
    websocket: WebSocket = factory.build(recorder, OWN)
    websocket.left = lambda: None
    transport = MemoryTransport(clock)
    transport.protocol = websocket
    websocket.makeConnection(transport)
    return websocket, transport


def plainly(target: str, asked: Request, limits: Limits) -> bytes | None:
    """What the short way answers."""
    return answer(target, asked, asked.headers.get(KEY, ""), OWN, limits)


@pytest.mark.parametrize(("change", "is_short"), CHANGES, ids=str)
def test_it_says_what_autobahn_says_or_nothing(change: Mapping[str, str | None], is_short: bool) -> None:
    said = plainly("/ws?token=a", asked("/ws?token=a", changed(change)), Limits())
    assert (said is not None) is is_short
    if is_short:
        assert said == by_autobahn("/ws?token=a", changed(change))
        assert said.startswith(b"HTTP/1.1 101 ")


@pytest.mark.parametrize("target", ["//evil.example/", "/a#b", "/[", "/\xe9"])
def test_an_odd_target_is_autobahn_s(target: str) -> None:
    assert plainly(target, asked(target, changed({})), Limits()) is None


def test_another_method_is_autobahn_s() -> None:
    assert plainly("/", Request("POST", "/", {}, asked("/", changed({})).headers), Limits()) is None


@pytest.mark.parametrize(("offer", "is_short"), [(None, True), ("permessage-deflate", False)])
def test_where_compression_is_on_an_offer_is_autobahn_s(offer: str | None, is_short: bool) -> None:
    headers = changed({"Sec-WebSocket-Extensions": offer})
    assert (plainly("/", asked("/", headers), Limits(deflate_threshold=0)) is not None) is is_short


def shared(headers: Mapping[str, str]) -> Request:
    """A request with fields that nobody can change, as those that many share."""
    own = asked("/", headers)
    return Request("GET", "/", {}, MappingProxyType(dict(own.headers)))


@pytest.mark.parametrize("limits", [Limits(), Limits(deflate_threshold=0)], ids=["plain", "compressing"])
@pytest.mark.parametrize("change", [change for change, _ in CHANGES], ids=str)
def test_fields_that_many_share_are_judged_as_those_of_one(change: Mapping[str, str | None], limits: Limits) -> None:
    # What is known of some, is of them alone.
    other = Limits() if limits.deflate_threshold == 0 else Limits(deflate_threshold=0)
    theirs = shared(changed(change))
    for each in (limits, limits, limits, other):
        assert plainly("/", theirs, each) == plainly("/", asked("/", changed(change)), each)


class Looked(dict[str, str]):
    """Fields, and which of them were looked at."""

    def __init__(self) -> None:
        super().__init__(asked("/", changed({})).headers)
        self.names: list[str] = []

    def get(self, name: str, default: Any = None) -> Any:
        self.names.append(name)
        return super().get(name, default)


def test_fields_that_many_share_are_judged_once() -> None:
    opening._KNOWN.clear()
    several = [Looked(), Looked()]
    requests = [Request("GET", "/", {}, MappingProxyType(fields)) for fields in several]
    for each in requests * 3:
        assert plainly("/", each, Limits()) is not None
    assert [fields.names.count("host") for fields in several] == [1, 1]


def test_fields_that_may_change_are_judged_each_time() -> None:
    fields = {name.lower(): value for name, value in changed({}).items()}
    ours = Request("GET", "/", {}, fields)
    assert plainly("/", ours, Limits()) is not None
    fields["upgrade"] = "h2c"
    assert plainly("/", ours, Limits()) is None


def test_only_so_many_shared_fields_are_known() -> None:
    for _ in range(opening._MOST + 10):
        assert plainly("/", shared(changed({})), Limits()) is not None
        assert len(opening._KNOWN) <= opening._MOST


HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "Host": st.text("a:0[]., %", max_size=6),
        "Origin": st.text("htp:/a.0[]@,?#", max_size=12) | st.sampled_from(("http://a", "https://a:1", "file://")),
        "Connection": st.sampled_from(("upgrade", "Upgrade,close", "keep-alive, upgrade", "keep-alive")),
        "Upgrade": st.sampled_from(("websocket", "WebSocket", "web socket", "websocket/13")),
        "Sec-WebSocket-Key": st.text("Aa0+/=-", min_size=22, max_size=24) | st.just("A" * 22 + "=="),
        "Sec-WebSocket-Version": st.sampled_from(("13", "8", "013", "1_3", "+13")),
        "Sec-WebSocket-Extensions": st.sampled_from(("permessage-deflate", "x", "", ";")),
        "Sec-WebSocket-Protocol": st.sampled_from(("", "a", "a,a")),
    },
)


@settings(max_examples=300, deadline=None)
@given(HEADERS, st.text("/a?b=&%.~[]#:@", max_size=8))
def test_it_never_says_anything_else_than_autobahn(change: Mapping[str, str], rest: str) -> None:
    target, headers = "/" + quote(rest, safe="/?=&%.~[]#:@"), changed(change)
    said = plainly(target, asked(target, headers), Limits())
    assert said is None or said == by_autobahn(target, headers)


# What both ways may leave different: Autobahn's memory of the request, and the times of its statistics.
_OF_THE_REQUEST = ("http_", "websocket_", "_wskey", "trafficStats", "utf8validator", "is_", "factory", "transport")
_OF_THE_REQUEST += ("receiver", "left", "_at_once", "_transport", "peer", "send_queue", "_listeners")


def test_the_connection_is_as_autobahn_would_have_left_it(clock: Clock) -> None:
    factory = WebSocketFactory(clock, Limits())
    said = plainly("/", asked("/", changed({})), Limits())
    assert said is not None
    (short, one), (autobahns, other) = (build(factory, clock, Recorder()) for _ in range(2))
    short.open_at_once(said, b"")
    assert one.writes == [said]
    autobahns.dataReceived(compose("GET", "/", HANDSHAKE))
    differing = {
        name
        for name in {*vars(short), *vars(autobahns)}
        if not name.startswith(_OF_THE_REQUEST) and getattr(short, name) != getattr(autobahns, name)
    }
    # Only the other heard anything.
    assert differing == {"heard"}
    assert short.websocket_version == autobahns.websocket_version == 13
    assert short.websocket_protocol_in_use is autobahns.websocket_protocol_in_use is None
    one.lose()
    other.lose()


def test_frames_that_came_with_the_request_are_received(clock: Clock) -> None:
    recorder = Recorder()
    websocket, transport = build(WebSocketFactory(clock, Limits()), clock, recorder)
    websocket.open_at_once(b"", client_frame(TEXT, b"early") + client_frame(TEXT, b"late")[:3])
    websocket.dataReceived(client_frame(TEXT, b"late")[3:])
    assert recorder.messages() == ["early", "late"]
    transport.lose()
