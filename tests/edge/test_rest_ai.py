"""``/api/ai``: the same counselor, as one answer or as server-sent events."""

from __future__ import annotations

import gc
import json
from typing import Any
from urllib.parse import quote

import pytest
import pytest_twisted
from twisted.internet.defer import ensureDeferred

from tests.support.doors import House, house
from tests.support.patience import soon
from tests.support.patterns import MESSAGE_ID, TIMESTAMP
from tests.support.rest import call, refused
from tests.support.websocket_raw import RawNative
from yekta.ai.provider import Kind

__all__ = ["house"]

CHAT = "/api/ai/chat"
EVENTS = {"Accept": "text/event-stream"}
BESIDE = "said beside the question"
PERSIAN = "سلام، «دنیا»\nخط دوم 🌱"


def events(text: str) -> list[tuple[str, Any]]:
    """Names and data of a whole stream of server-sent events."""
    assert text.endswith("\n\n")
    heard = []
    for block in text[:-2].split("\n\n"):
        *id, name, data = block.split("\n")
        assert name.startswith("event: ")
        assert data.startswith("data: ")
        said = json.loads(data[6:])
        assert id == ([f"id: {said['messageId']}:{said['seq']}"] if name == "event: chunk" else [])
        heard.append((name[7:], said))
    return heard


@pytest_twisted.ensureDeferred
async def test_a_whole_answer(house: House) -> None:
    asked = ensureDeferred(call(house, "POST", CHAT, {"message": "?", "locale": "en"}))
    generation = await house.gateway.provider.asked()
    assert generation.locale == "en"
    for text in ("سلام ", "دنیا"):
        generation.say(text)
    generation.finish()
    answer = await asked
    assert (answer.status, answer.json) == (200, {"success": True, "response": "سلام دنیا", "timestamp": TIMESTAMP})


@pytest.mark.parametrize("headers", [{}, EVENTS])
@pytest_twisted.ensureDeferred
async def test_what_a_question_says_beside_is_not_kept_until_its_answer(house: House, headers: dict[str, str]) -> None:
    body = json.dumps({"message": "?", "beside": [BESIDE, 0]}).encode()
    asked = ensureDeferred(call(house, "POST", CHAT, body, headers=headers))
    generation = await house.gateway.provider.asked()
    kept = [each for each in gc.get_objects() if type(each) is list and each == [BESIDE, 0]]
    generation.finish()
    assert (await asked).status == 200
    assert kept == []


@pytest_twisted.ensureDeferred
async def test_an_answer_that_ended_otherwise_says_how(house: House) -> None:
    asked = ensureDeferred(call(house, "POST", CHAT, {"message": "?"}))
    (await house.gateway.provider.asked()).finish("length")
    assert (await asked).json["metadata"] == {"finishReason": "length"}


@pytest_twisted.ensureDeferred
async def test_help_lines_come_along_however_the_answer_does(house: House) -> None:
    body = {"message": "I want to die", "locale": "en"}
    asked = ensureDeferred(call(house, "POST", CHAT, body))
    (await house.gateway.provider.asked()).finish()
    assert "findahelpline.com" in (await asked).json["metadata"]["notice"]
    asked = ensureDeferred(call(house, "POST", CHAT, body, headers=EVENTS))
    (await house.gateway.provider.asked()).finish()
    [(name, notice), (after, _), *_] = events((await asked).text)
    assert (name, notice["kind"], notice["locale"], after) == ("ai:notice", "care", "en", "start")
    assert "findahelpline.com" in notice["text"]


@pytest.mark.parametrize("message_id", ["سلام 🌱", "a:1", "a%20b", "a\nid: m:7\n", "a/b", "/", "//a/", "a%2Fb"])
@pytest_twisted.ensureDeferred
async def test_whatever_a_message_is_called_its_stream_is_resumed_where_it_was_left(
    house: House, message_id: str
) -> None:
    token, _ = await house.gateway.acquire()
    body = {"message": "?", "messageId": message_id}
    asked = ensureDeferred(call(house, "POST", CHAT, body, token=token, headers=EVENTS))
    generation = await house.gateway.provider.asked()
    for text in ("a", "b"):
        generation.say(text)
    generation.finish()
    ids = [line[4:] for line in (await asked).text.splitlines() if line.startswith("id: ")]
    assert [id[-2:] for id in ids] == [":0", ":1"]
    headers = {"Last-Event-ID": ids[0]}
    resumed = await call(house, "GET", f"/api/ai/stream/{quote(message_id, safe='')}", token=token, headers=headers)
    data = [json.loads(line[6:]) for line in resumed.text.splitlines() if line.startswith("data: ")]
    assert data[0] == {"messageId": message_id, "chunk": "b", "seq": 1, "offset": 1, "replay": True}
    assert len(data) == 2


@pytest.mark.parametrize("message_id", ["a/b", "a/", "%", "%2F"])
@pytest_twisted.ensureDeferred
async def test_whatever_a_message_is_called_its_answer_can_be_stopped(house: House, message_id: str) -> None:
    token, _ = await house.gateway.acquire()
    asked = ensureDeferred(call(house, "POST", CHAT, {"message": "?", "messageId": message_id}, token=token))
    generation = await house.gateway.provider.asked()
    path = f"/api/ai/stream/{quote(message_id, safe='')}"
    stopped = await call(house, "DELETE", path, token=token)
    assert stopped.json == {"success": True, "data": {"messageId": message_id, "state": "cancelled"}}
    assert generation.is_cancelled
    await asked
    # A slash that is none of its name's is part of the path, at whose end it may stand.
    assert (await call(house, "DELETE", path + "/", token=token)).status == 200
    assert (await refused(house, "DELETE", path + "/b", token=token))[:2] == (404, "Not Found")


@pytest_twisted.ensureDeferred
async def test_the_same_answer_as_server_sent_events(house: House) -> None:
    asked = ensureDeferred(call(house, "POST", CHAT, {"message": "?", "messageId": "m"}, headers=EVENTS))
    generation = await house.gateway.provider.asked()
    for text in (PERSIAN, "\r\n\r\n", "data: x"):
        generation.say(text)
    generation.finish()
    answer = await asked
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert events(answer.text) == [
        ("start", {"messageId": "m"}),
        ("chunk", {"messageId": "m", "chunk": PERSIAN, "seq": 0, "offset": 0}),
        ("chunk", {"messageId": "m", "chunk": "\r\n\r\n", "seq": 1, "offset": len(PERSIAN)}),
        ("chunk", {"messageId": "m", "chunk": "data: x", "seq": 2, "offset": len(PERSIAN) + 4}),
        ("complete", {"messageId": "m", "fullResponse": PERSIAN + "\r\n\r\ndata: x"}),
    ]


@pytest_twisted.ensureDeferred
async def test_an_event_leaves_as_soon_as_it_is_there(house: House) -> None:
    body = b'{"message":"?"}'
    client = await RawNative.open(house.gateway.api_address)
    client.transport.write(
        b"POST /api/ai/chat HTTP/1.1\r\nHost: h\r\nAccept: text/event-stream\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    )
    generation = await house.gateway.provider.asked()
    await client.has_received(b"event: start")
    generation.say("now")
    await client.has_received(b'"chunk":"now"')
    client.transport.loseConnection()
    await soon(generation.cancelled)


@pytest_twisted.ensureDeferred
async def test_a_stream_that_fails_ends_with_an_error_event(house: House) -> None:
    asked = ensureDeferred(call(house, "POST", CHAT, {"message": "?"}, headers=EVENTS))
    generation = await house.gateway.provider.asked()
    generation.say("half")
    generation.fail(Kind.TIMEOUT)
    answer = await asked
    assert answer.status == 200
    failed = {"messageId": MESSAGE_ID, "error": Kind.TIMEOUT.value, "retryable": True}
    assert [name for name, _ in events(answer.text)] == ["start", "chunk", "error"]
    assert events(answer.text)[-1] == ("error", failed)


@pytest_twisted.ensureDeferred
async def test_an_answer_that_the_servers_end_cuts_off_is_a_503_or_an_error_event(house: House) -> None:
    asked = []
    for headers in ({}, EVENTS):
        asked.append(ensureDeferred(call(house, "POST", CHAT, {"message": "?"}, headers=headers)))
        (await house.gateway.provider.asked()).say("half")
    house.gateway.answers.stop()
    whole, stream = [await each for each in asked]
    assert (whole.status, whole.json["error"]) == (503, "The server is stopping")
    assert whole.headers["retry-after"] == "5"
    broken = {"messageId": MESSAGE_ID, "error": "The server is stopping", "retryable": True}
    assert events(stream.text)[-1] == ("error", broken)


@pytest.mark.parametrize("headers", [{}, EVENTS])
@pytest_twisted.ensureDeferred
async def test_the_answer_of_a_stranger_who_hung_up_is_given_up(house: House, headers: dict[str, str]) -> None:
    asked = ensureDeferred(call(house, "POST", CHAT, {"message": "?"}, headers=headers))
    generation = await house.gateway.provider.asked()
    asked.cancel()
    await asked.addErrback(lambda _: None)
    await soon(generation.cancelled)


@pytest.mark.parametrize(("is_up", "word"), [(True, "operational"), (False, "degraded")])
@pytest_twisted.ensureDeferred
async def test_the_status_of_the_ai_is_looked_up_once_in_a_while(house: House, is_up: bool, word: str) -> None:
    house.gateway.provider.is_up = is_up
    for _ in range(3):
        answer = await call(house, "GET", "/api/ai/status")
        state = {"success": True, "status": word, "provider": "scripted", "timestamp": TIMESTAMP}
        assert (answer.status, answer.json) == (200, state)
    assert house.gateway.provider.checks == 1


@pytest_twisted.ensureDeferred
async def test_an_answer_goes_on_without_its_request_and_is_resumed_and_stopped_by_its_session_alone(
    house: House,
) -> None:
    token, _ = await house.gateway.acquire()
    stranger, _ = await house.gateway.acquire()
    asked = ensureDeferred(call(house, "POST", CHAT, {"message": "?", "messageId": "m"}, token=token, headers=EVENTS))
    generation = await house.gateway.provider.asked()
    asked.cancel()
    await asked.addErrback(lambda _: None)
    for text in ("سلام", " ", "دنیا"):
        generation.say(text)
    path = "/api/ai/stream/m"
    for method in ("GET", "DELETE"):
        assert (await refused(house, method, path))[0] == 401
        assert (await refused(house, method, path, token=stranger))[:2] == (404, "No such answer")
    assert not generation.is_cancelled
    stopped = await call(house, "DELETE", path, token=token)
    assert stopped.json == {"success": True, "data": {"messageId": "m", "state": "cancelled"}}
    assert generation.is_cancelled
    complete = {"messageId": "m", "fullResponse": "سلام دنیا", "finishReason": "cancelled"}
    for last, chunk, offset in (
        ("", "سلام دنیا", 0),
        ("m:0", " دنیا", 4),
        ("m:1", "دنیا", 5),
        ("m:x", "سلام دنیا", 0),
        ("other:1", "سلام دنیا", 0),
    ):
        resumed = await call(house, "GET", path, token=token, headers={"Last-Event-ID": last})
        rest = {"messageId": "m", "chunk": chunk, "seq": 2, "offset": offset, "replay": True}
        assert events(resumed.text) == [("chunk", rest), ("complete", complete)]
    resumed = await call(house, "GET", path, token=token, headers={"Last-Event-ID": "m:2"})
    assert events(resumed.text) == [("complete", complete)]
