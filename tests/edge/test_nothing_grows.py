"""After a life of any kind, whatever it named and however it ended, nothing that a node holds has grown."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from twisted.internet.error import ConnectionLost

from tests.support.clocked import ClockedNode
from tests.support.memory import Answer, HttpClient
from tests.support.websockets import WebSocketClient
from yekta.ai.provider import Kind

POLLING, WEBSOCKET = (f"/socket.io/?EIO=4&transport={transport}" for transport in ("polling", "websocket"))
BROWSER = {"User-Agent": "Mozilla/5.0"}
ENDS = ("complete", "failed", "cancelled", "never")

names = (f"name-{number}" for number in count())


@pytest.fixture(scope="module")
def node() -> ClockedNode:
    return ClockedNode()


# -- lives ---------------------------------------------------------------------------------------------------


def native(*texts: str, cut: bool = True) -> Callable[[ClockedNode], None]:
    def live(node: ClockedNode) -> None:
        client = WebSocketClient(node.http(), f"/ws?token={node.acquire()}")
        assert client.accepted
        leave(client, texts, cut)

    return live


def socketio(*texts: str, cut: bool = True, **auth: Any) -> Callable[[ClockedNode], None]:
    def live(node: ClockedNode) -> None:
        client = WebSocketClient(node.http(), WEBSOCKET, BROWSER)
        assert client.accepted
        leave(client, ("40" + json.dumps(auth or {"token": node.acquire()}), *texts), cut)

    return live


def leave(client: WebSocketClient, texts: tuple[str, ...], cut: bool) -> None:
    for text in texts:
        client.send_text(text.replace("NAME", next(names)))
    if cut:
        client.transport.lose(ConnectionLost)


def polling(*posts: bytes) -> Callable[[ClockedNode], None]:
    """Its last poll is never answered, unless a post ends it."""

    def live(node: ClockedNode) -> None:
        http, waiting = node.http(), node.http()
        sid = json.loads(http.ask("GET", POLLING, BROWSER).body[1:])["sid"]
        target = f"{POLLING}&sid={sid}"
        http.ask("POST", target, body=b"40" + json.dumps({"token": node.acquire()}).encode())
        http.ask("GET", target)
        waiting.request("GET", target)
        for post in posts:
            http.ask("POST", target, body=post.replace(b"NAME", next(names).encode()))

    return live


def asked(end: str) -> Callable[[ClockedNode], None]:
    def live(node: ClockedNode) -> None:
        client = WebSocketClient(node.http(), f"/ws?token={node.acquire()}")
        named = next(names)
        client.send_text(json.dumps({"event": "ai:chat", "data": {"message": "?", "messageId": named}}))
        cancel = json.dumps({"event": "ai:cancel", "data": {"messageId": named}})
        play(node, end, lambda: client.send_text(cancel))
        client.transport.lose(ConnectionLost)

    return live


def chat(headers: dict[str, str], end: str) -> Callable[[ClockedNode], None]:
    def live(node: ClockedNode) -> None:
        http = node.http()
        token = {"Authorization": f"Bearer {node.acquire()}"}
        body = {"message": "?", "messageId": next(names)}
        send(http, "POST", "/api/ai/chat", {**token, **headers}, body)
        play(node, end, lambda: http.transport.lose(ConnectionLost))
        http.transport.lose(ConnectionLost)

    return live


def play(node: ClockedNode, end: str, cancel: Callable[[], object]) -> None:
    generation = node.generation()
    generation.say("x")
    if end == "complete":
        generation.finish()
    elif end == "failed":
        generation.fail(Kind.INTERRUPTED)
    elif end == "cancelled":
        cancel()


def request(method: str, target: str, body: Any = None, **headers: str) -> Callable[[ClockedNode], None]:
    def live(node: ClockedNode) -> None:
        http = node.http()
        sent = {name.replace("_", "-"): value.replace("NAME", next(names)) for name, value in headers.items()}
        said = None if body is None else json.loads(json.dumps(body).replace("NAME", next(names)))
        assert send(http, method, target.replace("NAME", next(names)), sent, said) is not None

    return live


def send(http: HttpClient, method: str, target: str, headers: dict[str, str], body: Any) -> Answer | None:
    raw = b"" if body is None else json.dumps(body).encode()
    http.request(method, target, {"Content-Type": "application/json", **headers}, raw)
    return http.answer()


def outage(life: Callable[[ClockedNode], None]) -> Callable[[ClockedNode], None]:
    def live(node: ClockedNode) -> None:
        node.store.is_down = node.users.is_down = True
        life(node)
        node.clock.advance(61)
        node.store.is_down = node.users.is_down = False

    return live


def logged_out(node: ClockedNode) -> None:
    token = node.acquire()
    assert WebSocketClient(node.http(), f"/ws?token={token}").accepted
    send(node.http(), "POST", "/api/auth/logout", {"Authorization": f"Bearer {token}"}, {})


def half_a_request(node: ClockedNode) -> None:
    node.http().send(b"POST /api/ai/chat HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\nhalf")


LIVES = {
    "native": native('{"event":"echo","data":1}', '{"event":"NAME"}', "nonsense"),
    "native, silent": native(cut=False),
    "Socket.IO": socketio('42["echo",1]', '42["NAME"]', '421["status"]'),
    "Socket.IO, silent": socketio(cut=False),
    "Socket.IO, left": socketio("41"),
    "Socket.IO, refused": socketio(token="x" * 43),
    "Socket.IO, no such namespace": socketio("40/NAME,", '42/NAME,["x"]'),
    "Socket.IO, half a packet": socketio('451-["echo",{"_placeholder":true,"num":0}]'),
    "Socket.IO, half a packet, silent": socketio('451-["echo",{"_placeholder":true,"num":0}]', cut=False),
    "polling": polling(b'42["NAME"]', b"41"),
    "polling, broken": polling(b"nonsense"),
    "polling, silent": polling(),
    **{f"AI, {end}": asked(end) for end in ENDS},
    **{f"AI by REST, {end}": chat({}, end) for end in ENDS},
    **{f"AI by events, {end}": chat({"Accept": "text/event-stream"}, end) for end in ENDS},
    "a session": request("POST", "/api/auth/acquire-session", {}, User_Agent="NAME"),
    "no session": request("GET", "/api/auth/session?token=NAME"),
    "a login": request("POST", "/api/auth/login", {"identifier": "NAME@example.com", "password": "wrong"}),
    "nowhere": request("GET", "/NAME"),
    "a page of somebody's": request("OPTIONS", "/api/ai/chat", Origin="http://NAME.example"),
    "no such answer": request("GET", "/api/ai/stream/NAME"),
    "the store is down": outage(request("GET", f"/api/auth/session?token={'x' * 43}")),
    "accounts are down": outage(request("POST", "/api/auth/login", {"identifier": "NAME@x.com", "password": "x"})),
    "logged out": logged_out,
    "half a request": half_a_request,
}


@pytest.mark.parametrize("life", LIVES.values(), ids=LIVES)
def test_nothing_that_a_node_holds_has_grown(node: ClockedNode, life: Callable[[ClockedNode], None]) -> None:
    life(node)
    node.settle()
    before = node.contents()
    for _ in range(3):
        life(node)
    node.settle()
    assert node.contents() == before
