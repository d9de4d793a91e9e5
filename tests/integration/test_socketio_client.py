"""The real socket.io-client 4 against both real services: the old guide's examples, to the letter."""

from __future__ import annotations

import re
import secrets
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.support.node import running, told
from tests.support.services import Pair, acquire, free_port, started

pytestmark = pytest.mark.needs("node")

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
BOTH = ["websocket", "polling"]


@pytest.fixture(scope="module")
def visits(pair: Pair) -> Any:
    """What became of every example, by service, example and transports."""
    return told("guide.mjs", pair.api.port, pair.ws.port, pair.acquire(), patience=60)


@pytest.mark.parametrize("transports", ["websocket,polling", "polling,websocket", "polling", "websocket"])
@pytest.mark.parametrize(
    "example",
    [
        "plain, auth.token",
        "/socket.io/ in the URL",
        "/socket.io in the URL",
        "/ws in the URL",
        "?token= in the URL",
        "query.token",
        "Authorization header",
        "the path /ws",
    ],
)
@pytest.mark.parametrize("service", ["api", "ws"])
def test_an_example_of_the_guide_works(visits: Any, service: str, example: str, transports: str) -> None:
    visit = visits[f"{service}: {example}: {transports}"]
    assert "error" not in visit
    assert visit["connected"]["protocol"] == "socketio"
    assert visit["connected"]["isLoggedIn"] is False
    assert visit["echoed"] is True
    assert visit["transport"] == ("polling" if transports == "polling" else "websocket")


@pytest.mark.parametrize("transports", [["polling"], ["websocket"], BOTH])
@pytest.mark.parametrize("service", ["api", "ws"])
def test_a_whole_conversation(pair: Pair, service: str, transports: list[str]) -> None:
    token = pair.acquire()
    heard = told("conversation.mjs", getattr(pair, f"{service}_url"), token, transports)
    for said in heard["replies"]:
        assert said["acknowledged"] == said["reply"], said
        replied(said["event"], said.get("data"), said["reply"], heard["connected"]["socketId"], token)
    assert len(heard["replies"]) == 12
    assert heard["large"] is True
    assert heard["binary"] == {"bytes": [0, 1, 2, 254, 255], "note": "عکس"}
    assert TIME.fullmatch(heard["alive"]["timestamp"])
    assert heard["tooLarge"] in ("transport error", "transport close")
    with pytest.raises(AssertionError, match="it has ended"):
        told("conversation.mjs", getattr(pair, f"{service}_url"), "x", transports)


def replied(event: str, data: Any, reply: Any, socket_id: str, token: str) -> None:
    """The reply is the contract's."""
    match event:
        case "ping":
            assert reply.keys() == {"timestamp"}
            assert TIME.fullmatch(reply["timestamp"])
        case "status":
            assert reply["connection"]["socketId"] == socket_id
            assert reply["connection"]["sessionToken"] == f"***{token[-4:]}"
            assert [room.partition(":")[0] for room in reply["connection"]["rooms"]] == ["session"]
        case "info":
            assert reply["session"] == {
                "authenticated": True,
                "userId": "anonymous",
                "sessionToken": f"***{token[-4:]}",
            }
        case "echo":
            assert (reply["received"], reply["socketId"]) == (data, socket_id)
        case "message":
            assert (reply["success"], reply["data"]) == (True, {"content": "سلام"})
        case _:
            assert reply == {"error": "Unknown event type: nonsense"}


def test_connect_errors_are_those_that_clients_look_for(pair: Pair) -> None:
    unknown = secrets.token_urlsafe(32)
    required, invalid = "Authentication token required", "Invalid or expired session token"
    attempts: list[tuple[str, dict[str, Any], str]] = [
        ("", {}, required),
        ("", {"auth": {"token": None}}, required),
        ("/socket.io/", {"auth": {"token": ""}}, required),
        ("?token=", {}, required),
        ("", {"auth": {"token": unknown}}, invalid),
        ("/ws", {"auth": {"token": "x"}}, invalid),
        (f"?token={unknown}", {}, invalid),
        ("", {"extraHeaders": {"Authorization": f"Bearer {unknown}"}}, invalid),
    ]
    expected = [text for _, _, text in attempts for _ in ("polling", "websocket")]
    for url in (pair.api_url, pair.ws_url):
        assert told("refusals.mjs", url, [attempt[:2] for attempt in attempts]) == expected


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("transports", [["polling"], BOTH])
def test_a_client_comes_back_after_a_restart(tmp_path: Path, transports: list[str], number: signal.Signals) -> None:
    port = free_port()
    settings = {"DATABASE_URL": f"sqlite:///{tmp_path}/db"}
    listen = (f"tcp:{port}:interface=127.0.0.1",)
    with started("yektayar-api", folder=tmp_path, settings=settings, listen=listen) as api:
        token = acquire(port)
        with running("reconnect.mjs", f"http://127.0.0.1:{port}", token, transports) as client:
            welcome = {"event": "connected", "received": "هنوز اینجام", "transport": transports[0]}
            assert client.hear() == welcome
            assert api.stop(number) == (0 if number == signal.SIGTERM else -number)
            lost = client.hear()
            assert lost["event"] == "disconnect"
            assert lost["reason"] in ("transport close", "transport error")
            assert lost["active"] is True
            with started("yektayar-api", folder=tmp_path, settings=settings, listen=listen) as again:
                assert client.hear() == welcome
                assert again.process.poll() is None
