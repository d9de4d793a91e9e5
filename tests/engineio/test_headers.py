"""What hooks and middlewares may put into the headers of an answer, at every door."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from twisted.logger import capturedLogs, formatEvent

from tests.engineio.knocking import DOORS, knock
from tests.support.engines import Gateway
from yekta.engineio.errors import Refusal
from yekta.web.request import Request

Start = Callable[..., Gateway]


def give(gateway: Gateway, by: str, given: dict[Any, Any]) -> None:
    """Have ``by`` add what is ``given`` to the headers of each answer."""

    def add(request: Request, headers: dict[Any, Any]) -> None:
        headers.update(given)
        if by == "refusal":
            raise Refusal(4, "no")

    if by == "hook":
        gateway.engine.hooks.on("headers")(lambda headers, request: add(request, headers))
    else:
        gateway.engine.use(add)


@DOORS
@pytest.mark.parametrize("by", ["hook", "middleware", "refusal"])
@pytest.mark.parametrize("more", [{}, {"Sec-WebSocket-Protocol": "chat"}], ids=["plain", "Autobahn's"])
def test_a_header_may_be_a_number_or_several_lines(gateway: Gateway, door: str, by: str, more: dict[str, str]) -> None:
    given: dict[str, Any] = {"X-Number": 7, "Set-Cookie": ["uid=1", "theme=dark\r\nX-More: 1"]}

    give(gateway, by, given)
    assert knock(gateway, door, headers=more).headers["x-number"] == "7"
    head = b"".join(gateway.clients[-1].transport.writes).partition(b"\r\n\r\n")[0].split(b"\r\n")
    lines = [line.partition(b": ")[2] for line in head if line.lower().startswith(b"set-cookie")]
    assert lines == [b"uid=1", b"theme=dark X-More: 1"]


@DOORS
@pytest.mark.parametrize("more", [{}, {"Sec-WebSocket-Protocol": "chat"}], ids=["plain", "Autobahn's"])
def test_what_a_client_names_begins_no_field_of_its_own(gateway: Gateway, door: str, more: dict[str, str]) -> None:
    gateway.engine.hooks.on("headers")(lambda headers, request: headers.update({"X-Room": request.query["room"]}))
    answer = knock(gateway, door, "&room=a%0d%0aSet-Cookie:%20io=b%0d%0a%0d%0a", headers=more)
    assert answer.status == (200 if door == "polling" else 101)
    assert (answer.headers["x-room"], answer.headers.get("set-cookie")) == ("a Set-Cookie: io=b", None)


@DOORS
def test_a_hook_has_the_last_word(gateway: Gateway, door: str) -> None:
    gateway.engine.use(lambda _, headers: headers.update({"X-By": "a middleware", "X-Both": "kept"}))
    gateway.engine.hooks.on("initial_headers")(lambda headers, _: headers.update({"X-By": headers["X-By"] + ", seen"}))
    answer = knock(gateway, door)
    assert (answer.headers["x-by"], answer.headers["x-both"]) == ("a middleware, seen", "kept")


@DOORS
@pytest.mark.parametrize("by", ["middleware", "allow_request"])
def test_hooks_add_nothing_for_whoever_is_refused(start: Start, door: str, by: str) -> None:
    gateway, told = start(allow_request=lambda _: by != "allow_request"), []
    for name in ("initial_headers", "headers"):
        gateway.engine.hooks.on(name)(lambda *_: told.append(1))

    @gateway.engine.use
    def refuse(request: Request, headers: dict[str, str]) -> None:
        if by == "middleware":
            raise Refusal(4, "no", 403)

    assert (knock(gateway, door).status, told) == (403, [])


@DOORS
@pytest.mark.parametrize("by", ["hook", "middleware", "refusal"])
@pytest.mark.parametrize("more", [{}, {"Sec-WebSocket-Protocol": "chat"}], ids=["plain", "Autobahn's"])
def test_a_header_may_be_of_bytes_and_one_without_a_name_is_left_out(
    gateway: Gateway, door: str, by: str, more: dict[str, str]
) -> None:
    given: dict[Any, Any] = {b"X-Bytes": [b"1"], "X-\u0633": "a", "X Two": "b", "": "c", "X-Text": b"2"}

    give(gateway, by, given)
    with capturedLogs() as logs:
        answer = knock(gateway, door, headers=more)
    assert answer.status == (400 if by == "refusal" else 200 if door == "polling" else 101)
    assert {name: value for name, value in answer.headers.items() if name[:1] in ("x", "")} == {
        "x-bytes": "1",
        "x-text": "2",
    }
    assert [formatEvent(log) for log in logs] == ["A header was left out whose name is none (RFC 9110, 5.1)"] * 3
