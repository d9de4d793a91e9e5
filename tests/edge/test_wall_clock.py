"""While clients are connected the clock on the wall is set: nobody is sent away, and what is shown follows it."""

from __future__ import annotations

import json
from collections.abc import Callable
from email.utils import formatdate

import pytest

from tests.support.clocked import ClockedNode
from tests.support.memory import Answer, HttpClient
from tests.support.websockets import PING, PONG, TEXT, WebSocketClient, client_frame
from yekta.app.deadlines import LOOK
from yekta.timestamps import iso

# The settings of a node: a ping every 25 seconds, and 20 to answer it.
INTERVAL, TIMEOUT = 25.0, 20.0
HOUR, MONTH, YEAR = 3600.0, 30 * 86400.0, 365 * 86400.0

SET = pytest.mark.parametrize("by", [-YEAR, -HOUR, HOUR], ids=["back a year", "back an hour", "forward an hour"])


class Client(WebSocketClient):
    """One that answers each ping, of which it counts its ``pings``."""

    pings = 0

    @property
    def is_over(self) -> bool:
        return self.transport.lost is not None or self.close() is not None

    def answer_pings(self) -> None:
        heard = self.frames()
        pings = sum(frame in ((PING, b""), (TEXT, b"2")) for frame in heard)
        for _ in range(pings - self.pings):
            self.pong()
        self.pings = pings

    def pong(self) -> None:
        self.send(client_frame(PONG))


Connect = Callable[[ClockedNode], Client]


class SocketClient(Client):
    def pong(self) -> None:
        self.send_text("3")


def native(node: ClockedNode) -> Client:
    return Client(node.http(), f"/ws?token={node.acquire()}")


def socketio(node: ClockedNode) -> Client:
    client = SocketClient(node.http(), "/socket.io/?EIO=4&transport=websocket")
    client.send_text("40" + json.dumps({"token": node.acquire()}))
    return client


def live(node: ClockedNode, client: Client, seconds: float) -> None:
    for _ in range(round(seconds)):
        node.clock.advance(1.0)
        client.answer_pings()


@SET
@pytest.mark.parametrize("connect", [native, socketio])
def test_who_answers_pings_stays_and_is_pinged_as_before(connect: Connect, by: float) -> None:
    node = ClockedNode()
    client = connect(node)
    live(node, client, 200)
    pings = client.pings
    assert pings >= 4
    node.clock.ahead += by
    live(node, client, 200)
    assert 2 * pings <= client.pings <= 2 * pings + 1
    assert not client.is_over


@SET
@pytest.mark.parametrize("connect", [native, socketio])
def test_who_is_silent_is_cut_as_soon_as_before(connect: Connect, by: float) -> None:
    node = ClockedNode()
    client = connect(node)
    live(node, client, INTERVAL - 1)
    node.clock.ahead += by
    node.clock.pump([1.0] * round(TIMEOUT))
    assert not client.is_over
    node.clock.pump([1.0] * 30)
    assert client.is_over


@SET
def test_timestamps_follow_it(by: float) -> None:
    node = ClockedNode()
    client, http = native(node), node.http()
    http.ask("GET", "/health/live")
    node.clock.ahead += by
    now = node.clock.wall()
    client.send_text('{"event":"ping"}')
    assert json.loads(client.texts()[-1])["data"] == {"timestamp": iso(now)}
    alive = http.ask("GET", "/health/live")
    assert alive.headers["date"] == formatdate(now, usegmt=True)


@pytest.mark.parametrize("connect", [native, socketio])
def test_a_session_ends_by_it_within_a_minute(connect: Connect) -> None:
    node = ClockedNode()
    client = connect(node)
    client.answer_pings()
    node.clock.ahead += MONTH - 100
    live(node, client, LOOK)
    # Set back a little, it is not over yet.
    node.clock.ahead -= 50
    live(node, client, 89)
    assert not client.is_over
    node.clock.ahead += HOUR
    live(node, client, LOOK + 10)
    assert client.is_over


def test_what_one_may_still_try_is_counted_by_the_other() -> None:
    node = ClockedNode()
    http, guess = node.http(), {"identifier": "sara@example.com", "password": "wrong"}
    for _ in range(5):
        assert login(http, guess).status == 401
    node.clock.ahead += HOUR
    assert login(http, guess).status == 429


def login(http: HttpClient, guess: dict[str, str]) -> Answer:
    return http.ask("POST", "/api/auth/login", {"Content-Type": "application/json"}, json.dumps(guess).encode())
