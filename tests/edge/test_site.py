"""Which door a request is for, on each port."""

from __future__ import annotations

import json

import pytest
import pytest_twisted
from twisted.logger import capturedLogs, eventAsText

from tests.support.doors import House, house
from tests.support.http import Answer
from tests.support.patterns import TEXT, TIMESTAMP
from yekta import __version__
from yekta.edge.site import refused
from yekta.web.origins import Origins

__all__ = ["house"]

UPGRADE = {"Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "A" * 22 + "=="}
POLL = "?EIO=4&transport=polling"

NO_TOKEN = (401, "Authentication token required")


async def ask(house: House, port: str, path: str, method: str = "GET", **headers: str) -> Answer:
    address = house.gateway.api_address if port == "api" else house.gateway.ws_address
    return await house.http.request(method, f"http://{address}{path}", headers=headers)


def door_of(answer: Answer) -> str:
    """Who answered a request that has neither a token nor a session."""
    if (answer.status, answer.text) == NO_TOKEN:
        return "native"
    if answer.text.startswith('0{"sid"') or (answer.status == 400 and '"code":' in answer.text):
        return "Socket.IO"
    if answer.json.get("message") == "YektaYar WebSocket Server":
        return "about"
    return "REST" if "success" in answer.json else "nobody"


PATHS = [
    # port, path, a WebSocket upgrade or not, door
    ("api", "/socket.io/" + POLL, False, "Socket.IO"),
    ("api", "/socket.io" + POLL, False, "Socket.IO"),
    ("api", "/socket.io/", False, "Socket.IO"),
    ("api", "/ws", True, "native"),
    ("api", "/ws/", True, "native"),
    ("api", "/ws" + POLL, False, "Socket.IO"),
    ("api", "/ws", False, "REST"),
    ("api", "/", True, "REST"),
    ("api", "/" + POLL, False, "REST"),
    ("api", "/socket.iox/" + POLL, False, "REST"),
    ("ws", "/socket.io/" + POLL, False, "Socket.IO"),
    ("ws", "/socket.io" + POLL, False, "Socket.IO"),
    ("ws", "/" + POLL, False, "Socket.IO"),
    ("ws", "/any/path" + POLL, False, "Socket.IO"),
    ("ws", "/", True, "native"),
    ("ws", "/ws", True, "native"),
    ("ws", "/any/path", True, "native"),
    ("ws", "/health/ready", True, "native"),
    ("ws", "/health/ready" + POLL, False, "Socket.IO"),
    ("ws", "/", False, "about"),
    ("ws", "/health", False, "about"),
    ("ws", "/ws", False, "about"),
    ("ws", "/console", False, "about"),
]


# Who has polled once never says goodbye.
@pytest.mark.parametrize("house", [{"CLOSE_TIMEOUT": "0.1"}], indirect=True)
@pytest.mark.parametrize(("port", "path", "is_upgrade", "door"), PATHS)
@pytest_twisted.ensureDeferred
async def test_each_request_finds_its_door(house: House, port: str, path: str, is_upgrade: bool, door: str) -> None:
    answer = await ask(house, port, path, **(UPGRADE if is_upgrade else {}))
    assert door_of(answer) == door, answer


@pytest.mark.parametrize("house", [{"CLOSE_TIMEOUT": "0.1", "WEBSOCKET_PATH": "/"}], indirect=True)
@pytest_twisted.ensureDeferred
async def test_the_path_of_native_websocket_may_be_the_root(house: House) -> None:
    assert (await ask(house, "api", "/websocket-info")).json["path"] == "/"
    assert door_of(await ask(house, "api", "/", **UPGRADE)) == "native"
    assert door_of(await ask(house, "api", "/" + POLL)) == "Socket.IO"
    for path in ("/", "/health"):
        assert door_of(await ask(house, "api", path)) == "REST"
    assert door_of(await ask(house, "api", "/ws", **UPGRADE)) == "REST"


ABOUT = {
    "message": "YektaYar WebSocket Server",
    "version": __version__,
    "status": "running",
    "features": {"websocket": True},
    "protocols": {
        "socketio": {"path": "/socket.io/", "description": TEXT, "transports": ["websocket", "polling"]},
        "websocket": {"path": "/ws", "description": TEXT, "authentication": TEXT},
    },
    "usage": {"socketio": TEXT, "websocket": TEXT},
}


@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("POST", "/health"), ("DELETE", "/health/ready")])
@pytest_twisted.ensureDeferred
async def test_the_websocket_port_tells_about_itself(house: House, method: str, path: str) -> None:
    answer = await ask(house, "ws", path, method, Origin="http://localhost:5173")
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == "http://localhost:5173"
    assert answer.json == ABOUT


HEALTHY = {**ABOUT, "success": True, "timestamp": TIMESTAMP}
READY = {**HEALTHY, "status": "ready", "checks": {"database": "up", "ai": "up"}}
# No plain request has it: twisted.web's.
WAYS = ({}, {"TE": "trailers"})


@pytest.mark.parametrize("more", WAYS)
@pytest.mark.parametrize("path", ["/health", "/health/", "/health/live", "/health/ready", "/health/ready/"])
@pytest_twisted.ensureDeferred
async def test_on_the_websocket_port_health_comes_with_it(house: House, path: str, more: dict[str, str]) -> None:
    answer = await ask(house, "ws", path, Origin="http://localhost:5173", **more)
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == "http://localhost:5173"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json == (READY if "ready" in path else {**HEALTHY, "status": "healthy"})
    head = await ask(house, "ws", path, "HEAD", **more)
    assert (head.status, head.body) == (200, b"")


@pytest.mark.parametrize("more", WAYS)
@pytest_twisted.ensureDeferred
async def test_a_websocket_port_that_is_not_ready_says_so_as_the_other_does(house: House, more: dict[str, str]) -> None:
    house.gateway.health.draining = True
    here, there = [await ask(house, port, "/health/ready", **more) for port in ("ws", "api")]
    assert here.status == there.status == 503
    assert {**here.json, "timestamp": TIMESTAMP} == {**there.json, "timestamp": TIMESTAMP}
    assert (await ask(house, "ws", "/health/ready", "HEAD", **more)).status == 503
    assert (await ask(house, "ws", "/health", **more)).status == 200


HEADS = [
    *(("api", path) for path in ("/api-docs", "/api-docs/start.js", "/api-docs/nothing", "/console", "/%ff")),
    *(("ws", path) for path in ("/", "/health", "/any/path")),
]


@pytest.mark.parametrize(("port", "path"), HEADS)
@pytest_twisted.ensureDeferred
async def test_a_head_has_the_length_and_nobody_logs_what_was_asked_for(house: House, port: str, path: str) -> None:
    with capturedLogs() as logged:
        head = await ask(house, port, path + "?message=secret", "HEAD")
    assert "secret" not in "".join(map(eventAsText, logged))
    whole = await ask(house, port, path)
    assert (head.status, head.body) == (whole.status, b"")
    assert head.headers["content-length"] == str(len(whole.body))


@pytest.mark.parametrize("path", ["/%ff", "/api/%c3%28", "/console/%ff"])
@pytest_twisted.ensureDeferred
async def test_a_path_that_is_no_text_is_a_400(house: House, path: str) -> None:
    answer = await ask(house, "api", path)
    assert (answer.status, answer.json["error"]) == (400, "Bad Request")


@pytest.mark.parametrize("path", ["/", "/ws", "/api/auth/session", "/socket.io/" + POLL])
@pytest_twisted.ensureDeferred
async def test_more_query_fields_than_anybody_needs_are_refused(house: House, path: str) -> None:
    query = ("&" if "?" in path else "?") + "&".join(f"a{n}=1" for n in range(100))
    headers = UPGRADE if path == "/ws" else {}
    assert (await ask(house, "api", path + query, **headers)).status == 400
    assert (await ask(house, "api", "/health")).status == 200


@pytest.mark.parametrize("port", ["api", "ws"])
@pytest_twisted.ensureDeferred
async def test_a_check_that_fails_is_an_answer_too(house: House, port: str) -> None:
    async def fail() -> bool:
        raise RuntimeError("can't start new thread")

    house.gateway.health._database = fail
    with capturedLogs() as lines:
        answer = await ask(house, port, "/health/ready")
    assert (answer.status, answer.json["error"]) == (500, "Internal server error")
    assert "thread" not in answer.body.decode()
    assert len([line for line in lines if "log_failure" in line]) == 1


def test_pages_may_read_that_there_are_too_many_of_their_address() -> None:
    page = "https://app.example"
    headers, body = refused(Origins((page,)), 429, b"/api/ai/status", page, "us")
    assert headers["Access-Control-Allow-Origin"] == page
    assert (json.loads(body)["success"], json.loads(body)["error"]) == (False, "Too many connections")
    headers, body = refused(Origins((page,)), 429, b"/socket.io/?EIO=4", page, "us")
    assert (headers["Access-Control-Allow-Origin"], body) == (page, b"")


@pytest.mark.parametrize("port", ["api", "ws"])
@pytest.mark.parametrize("path", ["/socket.io/" + POLL, "/api/auth/login"])
@pytest_twisted.ensureDeferred
async def test_pages_of_our_own_may_read_that_their_post_is_too_large(house: House, port: str, path: str) -> None:
    page = f"http://{house.gateway.api_address if port == 'api' else house.gateway.ws_address}"
    answer = await house.http.request("POST", page + path, headers={"Origin": page}, body=b"x" * 1_000_001)
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (413, page)


@pytest.mark.parametrize("port", ["api", "ws"])
@pytest_twisted.ensureDeferred
async def test_native_clients_that_cannot_come_in_now_are_told_when_to_come_back(house: House, port: str) -> None:
    house.gateway.store.is_down = True
    outage = await ask(house, port, f"/ws?token={'x' * 43}", **UPGRADE)
    house.gateway.native.draining = True
    going = await ask(house, port, "/ws", **UPGRADE)
    house.gateway.native.draining = False
    for answer, seconds in ((outage, "5"), (going, "1")):
        assert (answer.status, answer.headers["retry-after"]) == (503, seconds)
    assert "retry-after" not in (await ask(house, port, "/ws", **UPGRADE)).headers
