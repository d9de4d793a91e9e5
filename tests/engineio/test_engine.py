"""The handshake, and how many may come in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from tests.engineio.knocking import DOORS, POLLING, WEBSOCKET, error, knock
from tests.support.engines import Gateway
from tests.support.memory import STRANGER
from yekta.web.forwarded import parse_trusted
from yekta.web.request import Request

Start = Callable[..., Gateway]

PATTERN = r'0\{"sid":"[\w-]{20}","upgrades":%s,"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000\}'


def test_handshake_by_polling(gateway: Gateway) -> None:
    answer = gateway.ask(POLLING).next_answer()
    assert answer.status == 200
    assert re.fullmatch(PATTERN % r'\["websocket"\]', answer.body.decode())
    assert answer.headers["content-type"] == "text/plain; charset=UTF-8"
    assert answer.headers["cache-control"] == "no-store"


def test_handshake_by_websocket(gateway: Gateway) -> None:
    # Whoever came before by the other transport.
    gateway.open()
    (packet,) = gateway.websocket().texts()
    assert re.fullmatch(PATTERN % r"\[\]", packet)


@pytest.mark.parametrize(
    "settings", [{"allow_upgrades": False}, {"transports": ("polling",)}], ids=["no upgrades", "no websocket"]
)
def test_upgrades_names_only_what_is_allowed(start: Start, settings: dict[str, Any]) -> None:
    gateway = start(**settings)
    answer = gateway.ask(POLLING).next_answer()
    assert json.loads(answer.body[1:])["upgrades"] == []
    sid = json.loads(answer.body[1:])["sid"]
    assert error(gateway.websocket(f"{WEBSOCKET}&sid={sid}").answer)[0] == 400


def test_the_settings_are_told_in_milliseconds(start: Start) -> None:
    gateway = start(ping_interval=0.3, ping_timeout=0.2, max_payload=12345)
    answer = gateway.ask(POLLING).next_answer()
    told = json.loads(answer.body[1:])
    assert (told["pingInterval"], told["pingTimeout"], told["maxPayload"]) == (300, 200, 12345)


def test_sids_are_unique_and_vary_everywhere(gateway: Gateway) -> None:
    sids = [gateway.open().sid for _ in range(120)]
    assert len(set(sids)) == 120
    assert all(len(set(column)) > 10 for column in zip(*sids, strict=True))


def test_the_path_is_ours_with_or_without_its_slash(gateway: Gateway) -> None:
    for path in ("/socket.io/", "/socket.io"):
        assert gateway.ask(POLLING, path=path).next_answer().status == 200


@DOORS
def test_connections_over_the_limit_are_503(start: Start, door: str) -> None:
    gateway = start(max_connections=1)
    first = gateway.open()
    answer = knock(gateway, door)
    assert error(answer)[0] == 503
    assert answer.headers["retry-after"] == "5"
    first.post("1")
    knock(gateway, door)
    assert len(gateway.users) == 2


def polls(gateway: Gateway, address: str = STRANGER, count: int = 1) -> list[int]:
    """The statuses of as many handshakes by polling, one after the other on one TCP connection."""
    client = gateway.client(address)
    return [client.ask("GET", f"/socket.io/?{POLLING}").status for _ in range(count)]


def test_one_address_has_so_many_connections_that_poll(start: Start) -> None:
    gateway = start(max_polling_per_address=2)
    assert polls(gateway, count=4) == [200, 200, 429, 429]
    refusal = gateway.ask(POLLING).next_answer()
    assert error(refusal) == (429, {"code": 4, "message": "Too many connections"})
    assert refusal.headers["retry-after"] == "5"
    assert polls(gateway, "203.0.113.9", 3) == [200, 200, 429]
    assert len(gateway.engine.connections) == 4
    assert gateway.websocket().accepted, "these are TCP connections, which are counted elsewhere"


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "198.51.100.7"])
def test_of_proxies_there_may_be_any_number(start: Start, address: str) -> None:
    gateway = start(max_polling_per_address=1, exempt=parse_trusted(["198.51.100.7"]))
    assert polls(gateway, address, 3) == [200] * 3


def test_whoever_has_left_or_moved_on_polls_no_longer(start: Start) -> None:
    gateway = start(max_polling_per_address=1)
    gateway.open().post("1")
    mover = gateway.open()
    assert polls(gateway) == [429]
    socket = mover.upgrade()
    gateway.open()
    assert polls(gateway) == [429]
    socket.http.hang_up()
    assert polls(gateway) == [429], "it is counted once"
    gateway.clock.advance(25)
    gateway.clock.advance(21)
    assert polls(gateway) == [200], "the other fell silent"


def test_a_handshake_that_fails_counts_for_nobody(start: Start) -> None:
    gateway = start(max_polling_per_address=1, generate_id=lambda: "same")
    gateway.open().post("1")
    gateway.open()
    assert polls(gateway, "203.0.113.9") == [400]
    assert gateway.engine.polling.all == 1


@DOORS
def test_the_limit_of_connections_holds_for_those_that_were_waiting_to_be_admitted(start: Start, door: str) -> None:
    waiting: list[Deferred[bool]] = []

    def allow(request: Request) -> Deferred[bool]:
        waiting.append(Deferred())
        return waiting[-1]

    gateway = start(allow_request=allow, max_connections=2)
    clients = [gateway.ask(POLLING) if door == "polling" else gateway.websocket().http for _ in range(4)]
    for each in waiting:
        each.callback(True)
    answers = [client.answer() for client in clients]
    assert [answer.status for answer in answers if answer] == [200 if door == "polling" else 101] * 2 + [503] * 2
    assert len(gateway.engine.connections) == 2
