"""What an operator may set: cookies, ids, the first packet, transports (reference: rows 8, 15, 19 and 20)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest
from twisted.logger import capturedLogs

from tests.engineio.knocking import BAD_REQUEST, DOORS, UNKNOWN_TRANSPORT, error, knock
from tests.support.engines import Gateway
from tests.support.memory import HttpClient
from yekta.engineio.settings import Cookie, Settings

Start = Callable[..., Gateway]


def head(client: HttpClient) -> str:
    """The head of the first answer on a connection."""
    return b"".join(client.transport.writes).partition(b"\r\n\r\n")[0].decode()


def cookies(gateway: Gateway) -> list[str]:
    """Those of the newest connection."""
    lines = head(gateway.clients[-1]).split("\r\n")
    return [line.partition(": ")[2] for line in lines if line.lower().startswith("set-cookie")]


@DOORS
def test_a_cookie_is_set_by_the_handshake(start: Start, door: str) -> None:
    gateway = start(cookie=Cookie())
    knock(gateway, door)
    assert cookies(gateway) == [f"io={gateway.user.connection.sid}; Path=/; HttpOnly; SameSite=Lax"]


def test_a_cookie_is_set_by_nothing_but_the_handshake(start: Start) -> None:
    gateway = start(cookie=Cookie())
    client = gateway.open()
    client.post("4a")
    assert cookies(gateway) == []
    gateway.user.connection.send("b")
    client.poll()
    gateway.turn()
    assert cookies(gateway) == []
    client.upgrade()
    assert head(gateway.clients[-1]).startswith("HTTP/1.1 101")
    assert cookies(gateway) == []


@DOORS
def test_there_is_no_cookie_unless_it_is_switched_on(gateway: Gateway, door: str) -> None:
    knock(gateway, door)
    assert cookies(gateway) == []


@DOORS
@pytest.mark.parametrize("name", ["Set-Cookie", "set-cookie"])
@pytest.mark.parametrize("by", ["hook", "middleware"])
def test_a_cookie_of_the_application_s_own_stands(start: Start, door: str, by: str, name: str) -> None:
    gateway = start(cookie=Cookie())
    if by == "hook":
        gateway.engine.hooks.on("initial_headers")(lambda headers, _: headers.update({name: "uid=1"}))
    else:
        gateway.engine.use(lambda _, headers: headers.update({name: "uid=1"}))
    knock(gateway, door)
    assert cookies(gateway) == ["uid=1"]


def test_a_cookie_says_what_it_is_told() -> None:
    cookie = Cookie(name="sticky", path="/chat", http_only=False, same_site="None")
    assert cookie.header("abc").startswith("sticky=abc; Path=/chat; SameSite=None")


def test_a_cookie_for_other_sites_is_secure() -> None:
    # Browsers drop it otherwise.
    assert Cookie(same_site="None").header("abc") == "io=abc; Path=/; HttpOnly; SameSite=None; Secure"


def test_ids_are_20_characters_of_base64url() -> None:
    ids = {Settings().generate_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(sid) == 20 and sid.replace("-", "").replace("_", "").isalnum() for sid in ids)


@DOORS
def test_ids_may_be_an_application_s_own(start: Start, door: str) -> None:
    numbers = count()
    gateway = start(generate_id=lambda: f"id-{next(numbers)}")
    knock(gateway, door)
    knock(gateway, door)
    assert list(gateway.engine.connections) == ["id-0", "id-1"]


@DOORS
def test_code_3_where_no_id_can_be_made(start: Start, door: str) -> None:
    def generate_id() -> str:
        raise RuntimeError("out of ids")

    gateway, told = start(generate_id=generate_id), []
    gateway.engine.hooks.on("connection_error")(lambda request, refusal: told.append(refusal.reason))
    with capturedLogs() as lines:
        assert error(knock(gateway, door)) == BAD_REQUEST
    assert told == ["ID_GENERATION_ERROR"]
    assert [line["log_failure"].type for line in lines] == [RuntimeError]
    assert gateway.users == []


@DOORS
def test_an_id_that_is_taken_is_given_to_nobody_else(start: Start, door: str) -> None:
    gateway = start(generate_id=lambda: "the same")
    gateway.open()
    with capturedLogs():
        assert error(knock(gateway, door)) == BAD_REQUEST
    assert len(gateway.users) == len(gateway.engine.connections) == 1


@pytest.mark.parametrize(("packet", "polled"), [("welcome", "4welcome"), (b"\x01\x02", "bAQI=")])
def test_the_initial_packet_follows_the_handshake(start: Start, packet: str | bytes, polled: str) -> None:
    gateway = start(initial_packet=packet)
    answer = knock(gateway, "polling")
    assert answer.body.decode().split("\x1e")[1:] == [polled]
    first, second = gateway.websocket().frames()
    assert first[1][:1] == b"0"
    assert second == ((1, b"4welcome") if isinstance(packet, str) else (2, packet))


@pytest.mark.parametrize(("only", "other"), [("polling", "websocket"), ("websocket", "polling")])
def test_a_transport_that_is_not_listed_is_unknown(start: Start, only: str, other: str) -> None:
    gateway = start(transports=(only,))
    assert error(knock(gateway, other)) == UNKNOWN_TRANSPORT
    accepted = knock(gateway, only)
    assert accepted.status in (200, 101)


def test_webtransport_is_unknown(gateway: Gateway) -> None:
    assert error(gateway.ask("EIO=4&transport=webtransport").next_answer()) == UNKNOWN_TRANSPORT
