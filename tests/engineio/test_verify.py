"""What is refused, at both doors alike and before any 101 (reference: Engine.IO handshake and errors)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.engineio.knocking import (
    BAD_METHOD,
    BAD_REQUEST,
    DOORS,
    POLLING,
    UNKNOWN_SID,
    UNKNOWN_TRANSPORT,
    UNSUPPORTED,
    WEBSOCKET,
    error,
    knock,
)
from tests.support.engines import Gateway
from yekta.web.origins import Origins

Start = Callable[..., Gateway]

UNSUPPORTED_TRANSPORTS = ("&transport=webtransport", "&transport=__proto__")


@pytest.mark.parametrize("transport", ["", "&transport=", "&transport=abc", *UNSUPPORTED_TRANSPORTS])
def test_code_0_transport_unknown(gateway: Gateway, transport: str) -> None:
    assert error(gateway.ask(f"EIO=4{transport}").next_answer()) == UNKNOWN_TRANSPORT
    assert error(gateway.websocket(f"EIO=4{transport}").answer) == UNKNOWN_TRANSPORT


@DOORS
@pytest.mark.parametrize("sid", ["abc", "__proto__", "constructor", "%00", "a" * 5000])
def test_code_1_session_id_unknown(gateway: Gateway, door: str, sid: str) -> None:
    answer = knock(gateway, door, f"&sid={sid}")
    assert error(answer) == UNKNOWN_SID
    assert answer.body == b'{"code":1,"message":"Session ID unknown"}'


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_code_2_bad_handshake_method(gateway: Gateway, method: str) -> None:
    assert error(gateway.ask(POLLING, method, body=b"4a").next_answer()) == BAD_METHOD


def test_code_2_for_a_preflight_where_cors_is_off(start: Start) -> None:
    gateway = start(origins=Origins(("http://app.example",), headers=False))
    assert error(gateway.ask(POLLING, "OPTIONS", {"Origin": "http://app.example"}).next_answer()) == BAD_METHOD


def test_a_preflight_is_answered_204(start: Start) -> None:
    gateway = start(origins=Origins(("http://app.example",)))
    answer = gateway.ask(POLLING, "OPTIONS", {"Origin": "http://app.example"}).next_answer()
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == "http://app.example"


def test_a_preflight_lets_a_page_send_the_headers_that_it_asks_for(start: Start) -> None:
    gateway = start(origins=Origins(("http://app.example",)))
    asked = {"Origin": "http://app.example", "Access-Control-Request-Headers": "authorization,x-tenant"}
    answer = gateway.ask(POLLING, "OPTIONS", asked).next_answer()
    assert answer.headers["access-control-allow-headers"] == "authorization,x-tenant"
    assert answer.headers["vary"] == "Origin, Access-Control-Request-Headers"


def test_code_3_websocket_without_an_upgrade(gateway: Gateway) -> None:
    assert error(gateway.ask(WEBSOCKET).next_answer()) == BAD_REQUEST


def test_code_3_polling_with_an_upgrade(gateway: Gateway) -> None:
    assert error(gateway.websocket(POLLING).answer) == BAD_REQUEST


@DOORS
@pytest.mark.parametrize("origin", ["http://a\x01b", "http://a\x7f", "\x0b"])
@pytest.mark.parametrize("allowed", ["*", "http://app.example"])
def test_code_3_invalid_characters_in_the_origin(start: Start, door: str, origin: str, allowed: str) -> None:
    assert error(knock(start(origins=Origins((allowed,))), door, headers={"Origin": origin})) == BAD_REQUEST


@DOORS
@pytest.mark.parametrize("eio", ["3", "5", "", "44"])
def test_code_3_another_protocol_than_the_session_s(gateway: Gateway, door: str, eio: str) -> None:
    query = f"EIO={eio}&transport={door}&sid={gateway.open().sid}"
    answer = gateway.ask(query).answer() if door == "polling" else gateway.websocket(query).answer
    assert error(answer) == BAD_REQUEST
    assert len(gateway.engine.connections) == 1


@pytest.mark.parametrize("eio", ["EIO=2&", "EIO=5&", "EIO=abc&", "EIO=%D9%A3&", "EIO=&"])
@DOORS
def test_code_5_where_protocol_3_is_allowed_too(start: Start, door: str, eio: str) -> None:
    gateway, query = start(allow_eio3=True), f"{eio}transport={door}"
    answer = gateway.ask(query).answer() if door == "polling" else gateway.websocket(query).answer
    assert error(answer) == UNSUPPORTED


@pytest.mark.parametrize("eio", ["EIO=3&", "EIO=5&", "EIO=abc&", "EIO=%D9%A4&", ""])
def test_code_5_unsupported_protocol_version_comes_before_the_101(gateway: Gateway, eio: str) -> None:
    assert error(gateway.ask(f"{eio}transport=polling").next_answer()) == UNSUPPORTED
    assert error(gateway.websocket(f"{eio}transport=websocket").answer) == UNSUPPORTED


def test_more_query_fields_than_we_know_are_refused(gateway: Gateway) -> None:
    for method, body in (("GET", b""), ("POST", b"4a")):
        answer = gateway.ask(f"{POLLING}&{'a&' * 100}", method, body=body).answer()
        assert error(answer) == UNKNOWN_TRANSPORT


@DOORS
@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://app.example.evil.example"])
def test_an_origin_that_is_not_allowed_is_403(start: Start, door: str, origin: str) -> None:
    gateway = start(origins=Origins(("http://app.example",)))
    answer = knock(gateway, door, headers={"Origin": origin})
    assert error(answer)[0] == 403
    assert "access-control-allow-origin" not in answer.headers
    assert gateway.users == []


@DOORS
def test_an_origin_that_is_not_allowed_is_403_on_a_session_too(start: Start, door: str) -> None:
    gateway = start(origins=Origins(("http://app.example",)))
    sid = gateway.open().sid
    assert error(knock(gateway, door, f"&sid={sid}", {"Origin": "http://evil.example"}))[0] == 403
    assert len(gateway.engine.connections) == 1


@DOORS
@pytest.mark.parametrize("headers", [{"Origin": "http://app.example"}, {}])
def test_an_allowed_origin_or_none_passes(start: Start, door: str, headers: dict[str, str]) -> None:
    answer = knock(start(origins=Origins(("http://app.example",))), door, headers=headers)
    assert answer.status == (200 if door == "polling" else 101)
