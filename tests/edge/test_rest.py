"""REST's own endpoints, and its manners: bodies, tokens, statuses, CORS."""

from __future__ import annotations

import json
from typing import Any

import pytest
import pytest_twisted

from tests.support.doors import House, house
from tests.support.patterns import TEXT, TIMESTAMP
from tests.support.rest import call, refused
from yekta import __version__

__all__ = ["house"]

PAGE = "http://localhost:5173"
POSTS = ("/api/auth/register", "/api/auth/login", "/api/auth/logout", "/api/auth/acquire-session", "/api/ai/chat")

# Where a token is put: g is a good one, b a bad one. The last says whether it is the good one that counts.
TOKENS: list[tuple[dict[str, str], bool]] = [
    ({"query": "g"}, True),
    ({"bearer": "g"}, True),
    ({"cookie": "g"}, True),
    ({"query": "g", "bearer": "b", "cookie": "b"}, True),
    ({"query": "b", "bearer": "g", "cookie": "g"}, False),
    ({"bearer": "g", "cookie": "b"}, True),
    ({"bearer": "b", "cookie": "g"}, False),
    ({"query": "", "bearer": "g"}, True),
]


@pytest_twisted.ensureDeferred
async def test_the_root_says_what_this_is(house: House) -> None:
    answer = await call(house, "GET", "/")
    assert answer.status == 200
    assert answer.json == {
        "success": True,
        "message": "YektaYar API Server",
        "name": "YektaYar API",
        "version": __version__,
        "status": "running",
        "features": {"rest": True, "websocket": True, "sessionAcquisition": True},
    }


@pytest.mark.parametrize("path", ["/health", "/health/", "/health/live"])
@pytest_twisted.ensureDeferred
async def test_the_process_lives_whatever_happens_to_the_rest(house: House, path: str) -> None:
    house.gateway.database.is_up = house.gateway.provider.is_up = False
    answer = await call(house, "GET", path)
    assert (answer.status, answer.json) == (200, {"success": True, "status": "healthy", "timestamp": TIMESTAMP})


@pytest.mark.parametrize(
    ("database", "ai", "status", "word", "checks"),
    [
        (True, True, 200, "ready", {"database": "up", "ai": "up"}),
        (True, False, 200, "ready", {"database": "up", "ai": "degraded"}),
        (False, True, 503, "not ready", {"database": "down", "ai": "up"}),
    ],
)
@pytest_twisted.ensureDeferred
async def test_ready_is_who_has_a_database(
    house: House, database: bool, ai: bool, status: int, word: str, checks: dict[str, str]
) -> None:
    house.gateway.database.is_up, house.gateway.provider.is_up = database, ai
    answer = await call(house, "GET", "/health/ready")
    ready: dict[str, Any] = {"success": status == 200, "status": word, "timestamp": TIMESTAMP, "checks": checks}
    if status != 200:
        ready |= {"error": "Not ready", "message": TEXT}
    assert (answer.status, answer.json) == (status, ready)


@pytest.mark.parametrize("house", [{"WEBSOCKET_PATH": "/live"}], indirect=True)
@pytest_twisted.ensureDeferred
async def test_how_to_connect(house: House) -> None:
    info = (await call(house, "GET", "/websocket-info")).json
    assert info["path"] == "/live"
    assert info["protocols"] == ["Socket.IO", "Native WebSocket (RFC 6455)"]
    assert info["transports"] == ["websocket", "polling"]
    ai = ["ai:chat", "ai:cancel", "ai:resume", "ai:streams"]
    assert info["events"]["client"] == ["ping", "status", "echo", "info", "message", *ai]
    assert {"connected", "pong", "error", "ai:response:complete"} < set(info["events"]["server"])
    client = await house.native("native on the API port", (await house.gateway.acquire())[0], path="/live")
    await client.greet()


@pytest.mark.parametrize(
    "path",
    [
        *("/nothing", "/api", "/api/auth", "/healthy", "/health/x", "/favicon.ico", "/%2e"),
        *("/api//ai/status", "/health//", "/api%2Fai/status", "/api/ai/stream//m", "/api/ai/stream//"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_what_is_not_there_is_a_404(house: House, path: str) -> None:
    assert await refused(house, "GET", path) == (404, "Not Found", "Not Found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/health", {"GET"}),
        ("DELETE", "/api/auth/session", {"GET"}),
        ("GET", "/api/auth/login", {"POST"}),
        ("PUT", "/api/ai/chat", {"POST"}),
        ("PATCH", "/", {"GET"}),
    ],
)
@pytest_twisted.ensureDeferred
async def test_the_wrong_method_is_a_405_that_names_the_right_one(
    house: House, method: str, path: str, allowed: set[str]
) -> None:
    assert await refused(house, method, path) == (405, "Method Not Allowed", "Method Not Allowed")
    answer = await call(house, method, path)
    assert allowed <= set(answer.headers["allow"].split(", ")) <= allowed | {"HEAD"}


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("body", [b"{", b"x", b"[]", b"1", b"null", b'"x"', b"\xff", b"[" * 100_000, b'{"a":NaN}'])
@pytest_twisted.ensureDeferred
async def test_a_body_that_is_no_json_object_is_a_400(house: House, path: str, body: bytes) -> None:
    assert (await refused(house, "POST", path, body))[:2] == (400, "Invalid JSON")


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
@pytest_twisted.ensureDeferred
async def test_a_body_of_another_type_is_a_415(house: House, path: str, kind: str) -> None:
    refusal = await refused(house, "POST", path, b"{}", headers={"Content-Type": kind})
    assert refusal == (415, "Unsupported media type", "The body must be application/json")


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "Application/JSON ;x=y"])
@pytest_twisted.ensureDeferred
async def test_a_json_content_type_is_read_as_people_write_it(house: House, kind: str) -> None:
    assert (await call(house, "POST", "/api/auth/acquire-session", b"{}", headers={"Content-Type": kind})).status == 200


@pytest.mark.parametrize("path", POSTS)
@pytest_twisted.ensureDeferred
async def test_two_megabytes_are_a_413_in_the_contracts_shape(house: House, path: str) -> None:
    answer = await call(house, "POST", path, b'{"message":"' + b"x" * 2_000_000 + b'"}', headers={"Origin": PAGE})
    refusal = {"success": False, "error": "Content Too Large", "message": "The request's body is too large."}
    assert (answer.status, answer.json) == (413, refusal)
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert (await call(house, "GET", "/health")).status == 200


@pytest.mark.parametrize(("places", "counts"), TOKENS, ids=[json.dumps(places) for places, _ in TOKENS])
@pytest_twisted.ensureDeferred
async def test_where_a_token_is_taken_from(house: House, places: dict[str, str], counts: bool) -> None:
    good, _ = await house.gateway.acquire()
    tokens = {name: {"g": good, "b": "x" * 43, "": ""}[value] for name, value in places.items()}
    headers = {}
    if "bearer" in tokens:
        headers["Authorization"] = f"Bearer {tokens['bearer']}"
    if "cookie" in tokens:
        headers["Cookie"] = f"a=b; token={tokens['cookie']}; c=d"
    query = f"?token={tokens['query']}" if "query" in tokens else ""
    assert (await call(house, "GET", "/api/auth/session" + query, headers=headers)).status == (200 if counts else 401)


@pytest.mark.parametrize(("token", "ends"), [("g", True), (5, False), (None, False), ("", False), (["g"], False)])
@pytest_twisted.ensureDeferred
async def test_a_token_in_the_body_counts_before_the_header_where_it_is_text(
    house: House, token: Any, ends: bool
) -> None:
    in_body, _ = await house.gateway.acquire()
    in_header, _ = await house.gateway.acquire()
    body = {"token": in_body if token == "g" else token}
    assert (await call(house, "POST", "/api/auth/logout", body, token=in_header)).status == 200
    assert (await call(house, "GET", "/api/auth/session", token=in_body)).status == (401 if ends else 200)
    assert (await call(house, "GET", "/api/auth/session", token=in_header)).status == (200 if ends else 401)


@pytest.mark.parametrize("cookie", ["token", "token=", ";;;", "token=\x01", 'token="', "a b=c; token", "=;=", "[]=1"])
@pytest_twisted.ensureDeferred
async def test_a_bad_cookie_is_no_token_and_no_fault(house: House, cookie: str) -> None:
    assert (await refused(house, "GET", "/api/auth/session", headers={"Cookie": cookie}))[0] == 401
    good, _ = await house.gateway.acquire()
    assert (await call(house, "GET", "/api/auth/session", token=good, headers={"Cookie": cookie})).status == 200


@pytest.mark.parametrize("path", ["/", "/health", "/api/auth/session", "/nothing", "/api/ai/chat"])
@pytest.mark.parametrize("origin", [PAGE, "http://localhost:8100", "http://evil.example", "null", None])
@pytest_twisted.ensureDeferred
async def test_cors_headers_are_for_allowed_pages_alone(house: House, path: str, origin: str | None) -> None:
    answer = await call(house, "GET", path, headers={} if origin is None else {"Origin": origin})
    assert answer.headers["vary"] == "Origin"
    if origin in (PAGE, "http://localhost:8100"):
        assert answer.headers["access-control-allow-origin"] == origin
        assert answer.headers["access-control-allow-credentials"] == "true"
    else:
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("port", ["api_address", "ws_address"])
@pytest.mark.parametrize("path", ["/", "/api/auth/login", "/nothing", "/socket.io/?EIO=4&transport=polling"])
@pytest_twisted.ensureDeferred
async def test_a_preflight_is_answered_on_every_path(house: House, port: str, path: str) -> None:
    url = f"http://{getattr(house.gateway, port)}{path}"
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    answer = await house.http.request("OPTIONS", url, headers={"Origin": PAGE, **asked})
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.headers["access-control-allow-methods"] == "GET, POST, PUT, DELETE, PATCH, OPTIONS"
    allowed = answer.headers["access-control-allow-headers"].lower().replace(" ", "").split(",")
    ours = set() if path.startswith("/socket.io") else {"x-requested-with"}
    assert {"content-type", "authorization"} | ours <= set(allowed)
    answer = await house.http.request("OPTIONS", url, headers={"Origin": "http://evil.example", **asked})
    assert answer.status == 204
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("house", [{"DISABLE_CORS": "true"}], indirect=True)
@pytest_twisted.ensureDeferred
async def test_without_cors_the_headers_are_left_to_the_proxy(house: House) -> None:
    for method in ("GET", "OPTIONS"):
        answer = await call(house, method, "/", headers={"Origin": PAGE})
        assert not [name for name in answer.headers if name.startswith("access-control")]
