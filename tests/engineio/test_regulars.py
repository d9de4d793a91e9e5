"""The short lane of polling clients: what is answered there is what everybody else is answered, and may change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.engines import Gateway, User, body
from yekta.web.origins import Origins
from yekta.web.request import Request

PAGE = {"Origin": "http://app.example"}


def echo(user: User, data: Any) -> None:
    user.connection.send(data)


@pytest.fixture
def start() -> Iterator[Callable[..., Gateway]]:
    started: list[Gateway] = []

    def start(**settings: Any) -> Gateway:
        started.append(Gateway(echo, origins=Origins(("http://app.example",)), **settings))
        return started[-1]

    yield start
    for gateway in started:
        gateway.end()


def served(gateway: Gateway) -> list[Any]:
    """What a client is answered, but for the date."""
    client = gateway.open(PAGE)
    answers = [client.post("4a", PAGE), client.request("GET", headers=PAGE).answer(), client.post("4" + "x" * 3000)]
    answers.append(client.request("GET", headers={"Accept-Encoding": "gzip"}).answer())
    return [(each.status, {**each.headers, "date": ""}, each.body) for each in answers if each is not None]


def test_a_client_that_somebody_looks_at_is_answered_alike(start: Callable[..., Gateway]) -> None:
    short, long = start(), start()

    @long.engine.use
    def look_on(request: Request, headers: dict[str, str]) -> None:
        """It leaves the short lane by being asked."""

    assert served(short) == served(long)
    assert len(served(short)) == 4


def test_an_origin_that_is_allowed_no_longer_is_refused_at_its_next_poll(start: Callable[..., Gateway]) -> None:
    gateway = start()
    client = gateway.open(PAGE)
    assert client.post("4a", PAGE).status == 200
    gateway.engine.settings.origins.allowed = frozenset(("http://other.example",))
    assert client.post("4b", PAGE).status == 403
    gateway.engine.settings.origins.allowed = frozenset(("http://app.example",))
    assert client.post("4c", PAGE).status == 200
    assert body(client.poll()) == "4a\x1e4c"


def test_what_is_said_while_a_post_is_handled_leaves_with_the_waiting_poll_at_once(
    start: Callable[..., Gateway],
) -> None:
    gateway = start()
    client = gateway.open()
    poll = client.poll()
    answered = len(poll.transport.writes)
    assert client.request("POST", "4a\x1e4b").transport.writes
    assert len(poll.transport.writes) == answered + 1
    assert body(poll) == "4a\x1e4b"


def test_a_poll_that_speaks_another_protocol_than_its_connection_is_refused(start: Callable[..., Gateway]) -> None:
    gateway = start(allow_eio3=True)
    gateway.ask("EIO=3&transport=polling")
    (sid,) = gateway.engine.connections
    assert gateway.ask(f"EIO=4&transport=polling&sid={sid}").next_answer().status == 400
    assert sid in gateway.engine.connections


def test_a_poll_that_asks_for_an_upgrade_is_refused(start: Callable[..., Gateway]) -> None:
    client = start().open()
    assert client.request("GET", headers={"Connection": "Upgrade", "Upgrade": "websocket"}).next_answer().status == 400
    assert client.post("4a").status == 200


def test_who_polls_is_served_by_an_engine_that_drains_though_somebody_looks_on(
    start: Callable[..., Gateway],
) -> None:
    gateway = start()
    client = gateway.open()
    gateway.engine.use(lambda request, headers: None)
    gateway.engine.draining = True
    assert client.post("4a").status == 200
    assert body(client.poll()) == "4a"
