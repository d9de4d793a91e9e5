"""Options of `Server`, and what each of them does to a client."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import attrs
import pytest
from twisted.internet.task import Clock

from tests.support.library import Library, SocketClient, Start
from yekta.engineio.hooks import Hooks
from yekta.engineio.settings import Cookie
from yekta.engineio.settings import Settings as EngineSettings
from yekta.socketio.parser import MSGPACK
from yekta.socketio.recovery import Settings as Recovery
from yekta.socketio.server import Server
from yekta.socketio.settings import Settings, from_options
from yekta.web.forwarded import parse_trusted
from yekta.web.origins import Origins
from yekta.web.site import Limits as SiteLimits
from yekta.websocket.limits import Limits

PAGE = "https://app.example"


# -- where each belongs --------------------------------------------------------------------------------------

ENGINE = {
    "transports": ("websocket",), "allow_upgrades": False, "allow_eio3": True, "ping_interval": 1.5,
    "ping_timeout": 2.5, "upgrade_timeout": 3.5, "drain_timeout": 4.5, "max_payload": 5, "max_queued": 6,
    "max_connections": 7, "max_polling_per_address": 8, "exempt": parse_trusted(["unix"]),
    "allow_request": print, "cookie": Cookie("a"), "generate_id": str, "initial_packet": "b", "http_compression": 8,
    "close_codes": False,
}  # fmt: skip
WEBSOCKET = {"max_message": 9, "max_fragments": 10, "close_timeout": 11.5, "deflate_threshold": 12}
OWN = {
    "connect_timeout": 1.5, "packet_timeout": 2.5, "max_attachments": 3, "max_namespaces": 4, "max_acks": 5,
    "max_backlog": 6, "max_namespace_length": 7, "max_auth_length": 8,
    "ordered": False, "aliases": {"/a": "/"}, "recovery": Recovery(),
    "parser": MSGPACK, "client_bundle": Path("/nowhere"),
}  # fmt: skip


def test_every_setting_is_an_option() -> None:
    settings = from_options({**ENGINE, **WEBSOCKET, **OWN})
    for options, holder in ((ENGINE, settings.engine), (WEBSOCKET, settings.websocket), (OWN, settings)):
        assert {name: getattr(holder, name) for name in options} == options


@pytest.mark.parametrize(
    ("kind", "tested", "others"),
    [
        (EngineSettings, ENGINE, {"origins"}),
        (Limits, WEBSOCKET, {"max_queued", "ping_interval", "ping_timeout"}),
        (Settings, OWN, {"engine", "websocket"}),
    ],
)
def test_the_test_above_knows_every_setting(kind: type, tested: dict[str, Any], others: set[str]) -> None:
    assert {field.name for field in attrs.fields(kind)} == tested.keys() | others


def test_without_options_all_is_as_it_comes() -> None:
    assert from_options({}).websocket == Limits()
    assert from_options({}).engine.ping_interval == 25.0


def test_what_bounds_both_layers_is_said_once_and_the_heartbeat_is_not_the_websocket_s() -> None:
    settings = from_options({"max_payload": 5, "max_queued": 6, "ping_interval": 7.0, "ping_timeout": 8.0})
    assert (settings.websocket.max_message, settings.websocket.max_queued) == (5, 6)
    assert (settings.websocket.ping_interval, settings.websocket.ping_timeout) == (0.0, 20.0)
    assert from_options({"max_payload": 5, "max_message": 9}).websocket.max_message == 9


@pytest.mark.parametrize("options", [{"pingInterval": 1}, {"ping_interval": 1, "nonsense": 2}])
def test_an_unknown_option_is_named(options: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=r"unknown option '(pingInterval|nonsense)'"):
        Server(Clock(), **options)


@pytest.mark.parametrize(
    ("option", "given", "shape"),
    [
        ("cookie", True, r"yekta\.engineio\.settings\.Cookie"),
        ("recovery", {}, r"yekta\.socketio\.recovery\.Settings"),
        ("client_bundle", "client-dist", r"pathlib\.Path"),
    ],
)
def test_what_node_takes_in_another_shape_is_refused_at_once(option: str, given: Any, shape: str) -> None:
    with pytest.raises(TypeError, match=f"^{option} must be a {shape}, not {given!r}$"):
        Server(Clock(), **{option: given})


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"transports": ("webtransport",)}, r"transports must be some of \('polling', 'websocket'\), not \('webtr"),
        ({"transports": "websocket"}, "transports must be some of .*, not 'websocket'"),
        ({"transports": 5}, "transports must be some of .*, not 5"),
        ({"transports": ()}, r"transports must be some of .*, not \(\)"),
        ({"max_payload": -1}, "max_payload must be above 0, not -1"),
        ({"max_payload": 0}, "max_payload must be above 0, not 0"),
        ({"max_payload": 1e6}, "max_payload must be a whole number, not 1000000.0"),
        ({"max_message": 0}, "max_message must be above 0, not 0"),
        ({"ping_interval": 0}, "ping_interval must be above 0, not 0"),
        ({"ping_timeout": float("nan")}, "ping_timeout must be above 0, not nan"),
        ({"upgrade_timeout": "10"}, "upgrade_timeout must be a number, not '10'"),
        ({"drain_timeout": float("nan")}, "drain_timeout must be 0 or above, not nan"),
        ({"http_compression": -1}, "http_compression must be 0 or above, not -1"),
        ({"deflate_threshold": "1"}, "deflate_threshold must be a whole number, not '1'"),
        ({"http_compression": False}, "http_compression must be a whole number, not False"),
        ({"deflate_threshold": True}, "deflate_threshold must be a whole number, not True"),
        ({"ping_interval": True}, "ping_interval must be a number, not True"),
        ({"max_acks": -1}, "max_acks must be 0 or above, not -1"),
        ({"connect_timeout": None}, "connect_timeout must be a number, not None"),
    ],
)
def test_what_cannot_be_meant_is_refused_when_the_server_is_made(given: dict[str, Any], why: str) -> None:
    with pytest.raises((TypeError, ValueError), match=f"^{why}"):
        Server(Clock(), **given)


@pytest.mark.parametrize("given", [True, None, print, ["http://app.example", re.compile("example")], [None]])
def test_cors_origins_are_texts(given: Any) -> None:
    """Node takes expressions, functions and booleans, too."""
    with pytest.raises(TypeError, match=f"^cors_origins must be a list of str, or one, not {re.escape(repr(given))}$"):
        Server(Clock(), cors_origins=given)


@pytest.mark.parametrize("kind", [EngineSettings, Limits, Settings, Recovery, SiteLimits])
def test_no_number_of_any_settings_may_be_below_0(kind: type) -> None:
    numbers = [field.name for field in attrs.fields(kind) if type(field.default) in (int, float)]
    assert numbers
    for name in numbers:
        with pytest.raises(ValueError, match=f"^{name} must be"):
            kind(**{name: -1})


def test_options_beside_settings_are_an_error_and_not_forgotten() -> None:
    with pytest.raises(TypeError, match="ping_interval"):
        Server(Clock(), Settings(), ping_interval=1)


@pytest.mark.parametrize("origins", [["http://app.example"], "http://app.example", ("http://app.example/",)])
def test_cors_origins_may_be_many_or_one(origins: Any) -> None:
    assert from_options({"cors_origins": origins}).engine.origins == Origins(("http://app.example",))


# -- what they do --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["polling", "websocket"])
def test_cors_origins_are_checked_at_both_doors(start: Start, kind: str) -> None:
    library = start(cors_origins=["http://app.example"])
    headers = {"Connection": "Upgrade", "Upgrade": "websocket"} if kind == "websocket" else {}
    refused = library.ask(f"EIO=4&transport={kind}", headers={"Origin": "http://evil.example", **headers}).next_answer()
    assert refused.status == 403
    assert library.client(kind, headers={"Origin": "http://app.example"}).open


def test_the_heartbeat_s_times_are_told_and_kept(start: Start) -> None:
    client = start(ping_interval=0.3, ping_timeout=0.2).client()
    assert (client.handshake["pingInterval"], client.handshake["pingTimeout"]) == (300, 200)
    client.library.clock.advance(0.3)
    assert client.packets() == ["2"]
    client.library.clock.advance(0.3)
    assert not client.open


def test_max_payload_closes_a_websocket_with_1009_and_an_empty_reason(start: Start) -> None:
    client = start(max_payload=1000).client()
    assert isinstance(client, SocketClient)
    assert client.handshake["maxPayload"] == 1000
    client.send("40", "42" + "x" * 1000)
    assert client.websocket.close() == (1009, "")


def test_max_payload_refuses_a_post_with_an_empty_413_and_the_connection_lives_on(start: Start) -> None:
    library = start(max_payload=1000)
    client = library.client("polling")
    query = f"EIO=4&transport=polling&sid={client.handshake['sid']}"
    posted = library.ask(query, "POST", {}, b"4" * 1001).next_answer()
    assert (posted.status, posted.body) == (413, b"")
    client.say("0")
    assert "sid" in client.read()[0]


@pytest.mark.parametrize(
    ("origins", "headers"),
    [
        (PAGE, {"access-control-allow-origin": PAGE, "access-control-allow-credentials": "true", "vary": "Origin"}),
        ("*", {"access-control-allow-origin": "*"}),
        ("https://other.example", {}),
    ],
)
def test_pages_may_read_that_their_post_is_too_large(start: Start, origins: str, headers: dict[str, str]) -> None:
    library = start(max_payload=1000, cors_origins=origins)
    answer = library.ask("EIO=4&transport=polling&sid=x", "POST", {"Origin": PAGE}, b"4" * 1001).next_answer()
    assert answer.status == 413
    assert answer.headers == {"connection": "close", "content-length": "0", **headers}


def test_max_payload_bounds_the_attachments_of_a_packet_together(start: Start) -> None:
    client = start(max_payload=1000).client()
    client.say("0", '52-["e",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]', b"x" * 600)
    assert client.open
    client.say(b"x" * 600)
    assert not client.open


def deflating(library: Library) -> SocketClient:
    headers = {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"}
    client = library.client(headers=headers)
    assert isinstance(client, SocketClient)
    assert client.websocket.answer is not None
    assert "permessage-deflate" in client.websocket.answer.headers["sec-websocket-extensions"]
    client.say("0")
    client.heard()
    return client


def next_is_compressed(client: SocketClient, before: int) -> bool:
    """Whether the frame that was sent after ``before`` bytes has RSV1 set (RFC 7692, 6)."""
    return bool(client.websocket.http.unread()[before] & 0x40)


@pytest.mark.parametrize("watched", [False, True], ids=["unwatched", "watched"])
@pytest.mark.parametrize("one", [False, True], ids=["broadcast", "one"])
def test_what_is_not_worth_it_is_not_compressed_on_a_websocket(start: Start, watched: bool, one: bool) -> None:
    library = start(deflate_threshold=1024)
    client = deflating(library)
    if watched:
        hooks: Hooks = client.connection.hooks
        hooks.on("packet")(print)
    (socket,) = library.server.sockets.sockets.values()
    speaker: Any = socket if one else library.server
    for said, compressed in ((speaker, True), (speaker.compress(False), False)):
        before = len(client.websocket.http.unread())
        said.emit("news", "x" * 5000)
        assert next_is_compressed(client, before) is compressed
        before = len(client.websocket.http.unread())
        said.emit_with_ack("news", "x" * 5000).addErrback(lambda _: None)
        assert next_is_compressed(client, before) is compressed
    before = len(client.websocket.http.unread())
    speaker.emit("short")
    assert not next_is_compressed(client, before)


@pytest.mark.parametrize("one", [False, True], ids=["broadcast", "one"])
def test_what_is_not_worth_it_is_not_compressed_on_polling(start: Start, one: bool) -> None:
    library = start(http_compression=1024)
    client = library.joined("polling")
    client.heard()
    (socket,) = library.server.sockets.sockets.values()
    speaker: Any = socket if one else library.server
    for said, encoding in ((speaker, "gzip"), (speaker.compress(False), None)):
        said.emit("news", "x" * 5000)
        query = f"EIO=4&transport=polling&sid={client.handshake['sid']}"
        answer = library.ask(query, headers={"Accept-Encoding": "gzip"}).next_answer()
        assert answer.headers.get("content-encoding") == encoding


def test_a_parser_may_be_set_for_all(start: Start) -> None:
    client = start(parser=MSGPACK).client()
    client.say("0")
    assert not client.open


def test_a_client_without_a_namespace_is_closed_after_connect_timeout(start: Start) -> None:
    client = start(connect_timeout=3.0).client()
    client.library.clock.advance(2.9)
    assert client.open
    client.library.clock.advance(0.2)
    assert not client.open
