"""From an HTTP request to a WebSocket on the same connection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from twisted.internet.error import ConnectionAborted
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.protocols.policies import WrappingFactory
from twisted.web import http, server
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from tests.support.forgotten import forgotten
from tests.support.memory import HttpClient, compose
from tests.support.websockets import HANDSHAKE, TEXT, Recorder, WebSocketClient, client_frame
from yekta.web.arrival import WebArrival
from yekta.web.plain import MAX_FIELDS
from yekta.web.site import Limits as SiteLimits
from yekta.web.site import Site
from yekta.websocket.factory import WebSocketFactory
from yekta.websocket.limits import Limits
from yekta.websocket.upgrade import upgrade


class Door(Resource):
    """Upgrades every request, on ``/later`` when :meth:`go` is called."""

    isLeaf = True

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.factory = WebSocketFactory(clock, Limits())
        self.recorder = Recorder()
        self.waiting: http.Request | None = None

    def render(self, request: http.Request) -> bytes | int:
        if request.path == b"/plain":
            return b"plain"
        self.waiting = request
        if request.path != b"/later":
            self.go()
        return NOT_DONE_YET

    def go(self) -> None:
        assert self.waiting is not None
        upgrade(WebArrival(self.waiting), self.factory, self.recorder, {"X-Door": "open"})


@pytest.fixture
def door(clock: Clock) -> Door:
    return Door(clock)


@pytest.fixture
def site(clock: Clock, door: Door) -> Iterator[Site]:
    site = Site(clock, door, SiteLimits(request_timeout=60.0))
    yield site
    clock.advance(0)
    assert site.census.all == 0
    assert site.census._places == {}


def test_the_101_follows_rfc_6455_and_has_our_headers(site: Site, clock: Clock, door: Door) -> None:
    client = WebSocketClient(HttpClient(site, clock), "/ws?token=a")
    assert client.accepted
    assert client.answer is not None
    assert client.answer.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert client.answer.headers["upgrade"].lower() == "websocket"
    assert client.answer.headers["x-door"] == "open"
    assert "server" not in client.answer.headers
    client.send_text("a")
    assert door.recorder.messages() == ["a"]
    client.transport.lose()
    assert door.recorder.told[-1] == ("lost", 1006, "")


def test_a_request_goes_with_its_body_as_soon_as_its_client_is_let_in(site: Site, clock: Clock, door: Door) -> None:
    http = HttpClient(site, clock)
    with forgotten() as expect:
        http.send(compose("GET", "/later", HANDSHAKE, b"x" * 200_000))
        assert door.waiting is not None
        expect(door.waiting)
        body = door.waiting.content
        ended: list[object] = []
        door.waiting.notifyFinish().addCallback(ended.append)
        door.go()
        door.waiting = None
        assert body is not None
        assert body.closed
        assert ended == [None]
    http.hang_up()


def test_it_lives_beyond_the_request_s_time(site: Site, clock: Clock, door: Door) -> None:
    client = WebSocketClient(HttpClient(site, clock))
    clock.advance(1000)
    client.send_text("still here")
    assert door.recorder.messages() == ["still here"]
    client.transport.lose()


def test_a_handshake_of_too_many_fields_is_refused_as_any_request(site: Site, clock: Clock, door: Door) -> None:
    more = {f"X-{number}": "" for number in range(MAX_FIELDS)}
    client = WebSocketClient(HttpClient(site, clock), headers=more)
    assert not client.accepted
    assert client.answer is not None
    assert client.answer.status == 431
    assert door.waiting is None
    client.transport.lose()


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"Sec-WebSocket-Protocol": "secret, b"},
        {"Sec-WebSocket-Protocol": "a", "Sec-WebSocket-Extensions": "secret; b=secret"},
        {"Sec-WebSocket-Protocol": "a", "Origin": "http://secret.example"},
    ],
    ids=["short", "protocols", "extensions", "an origin"],
)
def test_an_open_connection_keeps_nothing_of_its_request(
    site: Site, clock: Clock, door: Door, more: dict[str, str]
) -> None:
    client = WebSocketClient(HttpClient(site, clock), "/?token=secret", {**more, "X": "secret"})
    assert client.accepted
    door.waiting = None
    kept = {name: value for name, value in vars(client.transport.protocol).items() if "in_use" not in name}
    assert "secret" not in repr(kept)
    client.send_text("a")
    assert door.recorder.messages() == ["a"]
    client.transport.lose()


@pytest.mark.parametrize("path", ["/", "/later"])
def test_frames_that_came_with_the_request_are_not_lost(site: Site, clock: Clock, door: Door, path: str) -> None:
    frame = client_frame(TEXT, b"early")
    client = WebSocketClient(HttpClient(site, clock), path, rest=frame + frame[:3])
    if path == "/later":
        assert not client.accepted
        client.send(frame[3:])
        door.go()
    else:
        client.send(frame[3:])
    assert client.accepted
    client.send_text("late")
    assert door.recorder.messages() == ["early", "early", "late"]
    client.transport.lose()


def test_a_client_that_said_more_than_is_read_at_once_is_read_again_once_it_is_let_in(
    site: Site, clock: Clock, door: Door
) -> None:
    hasty = client_frame(TEXT, b"x" * 100_000)
    client = WebSocketClient(HttpClient(site, clock), "/later", rest=hasty)
    client.send(hasty)
    assert not client.transport.reading
    door.go()
    assert client.transport.reading
    clock.advance(0)
    assert [len(message) for message in door.recorder.messages()] == [100_000] * 2
    client.transport.lose()


def test_a_connection_that_served_requests_before_upgrades_all_the_same(site: Site, clock: Clock, door: Door) -> None:
    http_client = HttpClient(site, clock)
    assert http_client.ask("GET", "/plain").body == b"plain"
    client = WebSocketClient(http_client)
    assert client.accepted
    client.transport.congest()
    assert not door.recorder.websocket.writable
    client.transport.lose()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-WebSocket-Key": "short"}, 400),
        ({"Sec-WebSocket-Version": "7"}, 400),
        ({"Sec-WebSocket-Version": "x"}, 400),
        ({"Connection": "close"}, 400),
        ({"Host": "a:b"}, 400),
        ({"Origin": "nonsense"}, 400),
        ({"Sec-WebSocket-Protocol": "a, a"}, 400),
    ],
)
def test_a_bad_handshake_is_refused_and_leaves_nothing(
    site: Site, clock: Clock, door: Door, headers: Mapping[str, str], status: int
) -> None:
    with capturedLogs() as lines:
        client = WebSocketClient(HttpClient(site, clock), "/?token=secret", headers)
        clock.advance(0)
    assert client.http.unread().startswith(b"HTTP/1.1 %d " % status) or (
        client.answer is not None and client.answer.status == status
    )
    assert client.transport.lost
    assert door.recorder.told == []
    assert door.factory.count == 0
    assert lines == []


def test_who_is_refused_and_stays_is_cut_in_time(site: Site, clock: Clock, door: Door) -> None:
    """As a client may over TLS, whose goodbye is to be answered."""
    http_client = HttpClient(site, clock)
    http_client.transport.congested = True
    WebSocketClient(http_client, headers={"Sec-WebSocket-Version": "7"})
    clock.advance(door.factory.limits.close_timeout - 0.1)
    assert http_client.transport.lost is None
    clock.advance(0.1)
    clock.advance(0)
    assert http_client.transport.lost is ConnectionAborted


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-WebSocket-Protocol": "a" + " " * 10_000 + "b"},
        {"Sec-WebSocket-Protocol": "\xe9\xff"},
        {"Sec-WebSocket-Extensions": "constructor"},
        {"Sec-WebSocket-Extensions": 'a; b="' + "\\c" * 3000},
        {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"},
    ],
    ids=["ReDoS in the protocol", "not ASCII", "constructor", "ReDoS in an extension", "deflate"],
)
def test_extensions_and_protocols_that_broke_others_are_not_agreed_on(
    site: Site, clock: Clock, door: Door, headers: Mapping[str, str]
) -> None:
    client = WebSocketClient(HttpClient(site, clock), headers=headers)
    assert client.answer is not None
    assert client.answer.status in (101, 400)
    assert not {"sec-websocket-extensions", "sec-websocket-protocol"} & set(client.answer.headers)
    client.transport.lose()


@pytest.mark.parametrize("named", ["v1.chat", "v1.chat, v2.chat", "v1.chat,v2.chat"])
def test_the_first_subprotocol_is_agreed_on(site: Site, clock: Clock, door: Door, named: str) -> None:
    client = WebSocketClient(HttpClient(site, clock), headers={"Sec-WebSocket-Protocol": named})
    assert client.accepted
    assert client.answer is not None
    assert client.answer.headers["sec-websocket-protocol"] == "v1.chat"
    assert client.answer.headers["x-door"] == "open"
    client.transport.lose()


@pytest.mark.parametrize("origin", ["null", "file://", "capacitor://localhost", "chrome-extension://abc"])
def test_a_page_without_a_host_is_for_others_to_judge(site: Site, clock: Clock, door: Door, origin: str) -> None:
    client = WebSocketClient(HttpClient(site, clock), headers={"Origin": origin})
    assert client.accepted
    client.transport.lose()


def test_behind_a_wrapper_such_as_tls_the_wrapped_protocol_is_replaced(site: Site, clock: Clock, door: Door) -> None:
    client = WebSocketClient(HttpClient(WrappingFactory(site), clock))
    assert client.accepted
    client.send_text("a")
    assert door.recorder.messages() == ["a"]
    client.transport.lose()
    assert door.recorder.told[-1] == ("lost", 1006, "")


def test_the_request_is_read_as_it_came(site: Site, clock: Clock, door: Door) -> None:
    WebSocketClient(HttpClient(site, clock), "/a%20b?c=%D8%B3").transport.lose()
    request = door.waiting
    assert request is not None
    assert request.uri == b"/a%20b?c=%D8%B3"
    assert {name.lower() for name in HANDSHAKE} <= {
        name.decode().lower() for name, _ in request.requestHeaders.getAllRawHeaders()
    }


def test_a_site_of_twisteds_own_serves_as_well(door: Door, clock: Clock) -> None:
    client = WebSocketClient(HttpClient(server.Site(door, reactor=clock), clock))
    assert client.accepted
    client.send_text("hello")
    assert door.recorder.messages() == ["hello"]
    client.transport.lose()
    assert door.recorder.told[-1] == ("lost", 1006, "")
