"""Whatever clients do, and however talkative the log: it holds no token, no password and nothing that people wrote."""

from __future__ import annotations

import json
import re
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.support.attacks import Over, WebSocket, Wire
from tests.support.services import PYTHON_M_TWISTED, TWISTD, Service, started
from tests.support.strangers import EngineIO, Native, Poller, Polling, SocketIO

JSON = "Content-Type: application/json"
AI_KEY = "sk-key-of-ours"


@attrs.frozen
class Talk:
    """A service, and all that must not be in its log."""

    service: Service
    control: Path
    hidden: list[str]

    def hide(self, text: str) -> str:
        self.hidden.append(text)
        return text

    def word(self) -> str:
        """Something that a person wrote."""
        return self.hide(f"word-{secrets.token_hex(8)}")

    def post(self, path: str, body: Any, headers: str = JSON) -> Any:
        with Wire(self.service.port) as wire:
            return wire.request("POST", path, headers, json.dumps(body))

    def token(self) -> str:
        return self.hide(self.post("/api/auth/acquire-session", {}).json()["data"]["token"])


TALKATIVE = (*PYTHON_M_TWISTED, "--log-level=debug")

# Who writes the log, and what is asked of us.
WRITERS: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "Twisted's text": ((*TALKATIVE, "--log-format=text"), {}),
    "Twisted's JSON": ((*TALKATIVE, "--log-format=json"), {}),
    "our text": (TALKATIVE, {"LOG_FORMAT": "text"}),
    "our JSON": (TALKATIVE, {"LOG_FORMAT": "json"}),
    "twistd's text": ((*TWISTD, "-n", "--pidfile="), {}),
    "our journal": ((*TWISTD, "-n", "--pidfile="), {"LOG_FORMAT": "journal"}),
    "our JSON under twistd": ((*TWISTD, "-n", "--pidfile="), {"LOG_FORMAT": "json"}),
}


@pytest.fixture(params=WRITERS)
def talk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Talk]:
    """The API service, which has every door, with all that a log can be made to say."""
    twistd, asked = WRITERS[request.param]
    settings = {"DATABASE_URL": f"sqlite:///{tmp_path}/db", "AI_API_KEY": AI_KEY, "PORT": "0", "ACCESS_LOG": "true"}
    control = tmp_path / "control"
    settings |= {"CONTROL_SOCKET": str(control), **asked}
    with started("yektayar-api", folder=tmp_path, settings=settings, twistd=twistd) as service:
        yield Talk(service, control, [AI_KEY])


def by_rest(talk: Talk) -> None:
    token, email, password = talk.token(), f"{talk.word()}@example.org", talk.word()
    account = {"name": talk.word(), "email": email, "password": password}
    assert talk.post("/api/auth/register", account).status == 200
    login = talk.post("/api/auth/login", {"identifier": email, "password": password, "token": token})
    bearer = talk.hide(login.json()["data"]["token"])
    assert talk.post("/api/auth/login", {"identifier": talk.word(), "password": talk.word()}).status == 401
    assert talk.post("/api/ai/chat", {"message": talk.word(), "locale": talk.word()}).status == 400
    assert talk.post("/api/ai/chat", {"message": talk.word()}, f"{JSON}\nAuthorization: Bearer {bearer}").status >= 500
    nowhere = f"/{talk.word()}?token={bearer}&q={talk.word()}"
    assert talk.post(nowhere, talk.word(), f"Cookie: token={bearer}").status == 404
    with Wire(talk.service.port) as wire:
        assert wire.request("GET", f"/api/auth/session?token={bearer}").status == 200
        wire.send(f"{talk.word()} {talk.word()}\r\n\r\n".encode())
        wire.rest()


def by_native_websocket(talk: Talk) -> None:
    with Native(talk.service.port, talk.token()) as client:
        client.say_raw(talk.word())
        assert client.hear()[0] == "error"
        everything(talk, client)
        client.send_binary(talk.word().encode())
        assert client.hear()[0] == "error"
        client.send_text(b"\xff" + talk.word().encode())
        assert client.end() == 1007
    with pytest.raises(AssertionError):
        WebSocket(talk.service.port, f"/ws?token={talk.hide(secrets.token_urlsafe(32))}", f"X: {talk.word()}")


def by_socketio(talk: Talk) -> None:
    for door in (SocketIO, Polling):
        with door(talk.service.port, talk.token()) as client:
            everything(talk, client)
            client.say_raw(f'42["{talk.word()}"')
            with pytest.raises(Over):
                client.hear()
    with EngineIO(talk.service.port, f"&token={talk.hide(secrets.token_urlsafe(32))}") as stranger:
        stranger.send_text(f'40{{"name":"{talk.word()}"}}')
        assert stranger.packet().startswith("44")
    with Poller(talk.service.port, f"&token={talk.token()}") as guest:
        assert guest.post(f"40/{talk.word()},") == 200
        assert guest.packet().startswith("44")
        assert guest.post("1") == 200


def by_operator(talk: Talk) -> None:
    """Of what is sent to a room, and of what is wrong with it, nothing is told either."""
    with socket.socket(socket.AF_UNIX) as control:
        control.connect(str(talk.control))
        asked = {"command": "emit", "room": talk.word(), "event": talk.word(), "data": talk.word()}
        control.sendall(json.dumps(asked).encode() + b"\n" + talk.word().encode() + b"\n")
        with control.makefile() as replies:
            assert [json.loads(replies.readline())["ok"] for _ in range(2)] == [True, False]


def everything(talk: Talk, client: Any) -> None:
    """Every event, with data of the right shape and of a wrong one."""
    for event, data in {
        "echo": talk.word(),
        "status": {},
        "info": {"note": talk.word()},
        "message": {"content": talk.word()},
        talk.word(): {},
        "ai:cancel": {"messageId": talk.word()},
    }.items():
        client.say(event, json.dumps(data))
        client.hear()
    client.say("message", json.dumps({"content": [talk.word()]}))
    assert client.hear()[0] == "error"
    client.say("ai:chat", json.dumps({"message": talk.word(), "messageId": talk.word()}))
    assert [client.hear()[0], client.hear()[0]] == ["ai:response:start", "ai:response:error"]


def test_nothing_secret_is_logged(talk: Talk) -> None:
    for part in (by_rest, by_native_websocket, by_socketio, by_operator):
        part(talk)
    assert talk.service.stop() == 0
    assert len(talk.hidden) > 50
    log = talk.service.text
    assert "An answer failed" in log
    assert "/api/auth/login" in log
    assert {"native-websocket", "socketio"} <= set(re.findall("native-websocket|socketio", log))
    assert [text for text in talk.hidden if text in log] == []
    assert "Traceback" not in log
