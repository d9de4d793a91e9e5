"""The embedded model, behind both real services: it streams, it can be stopped, and it stops by itself."""

from __future__ import annotations

import json
from contextlib import ExitStack
from time import monotonic
from typing import Any

import pytest

from tests.support.attacks import Wire
from tests.support.services import Pair
from tests.support.strangers import Native, Polling, SocketIO, Stranger

DOORS: dict[str, Any] = {"native": Native, "Socket.IO over WebSocket": SocketIO, "Socket.IO over polling": Polling}

# Asked for no more than "Say hello.", it now and then tells all that it may.
SHORT, LONG = "Say hello in one short sentence.", "Tell me a very long story about a ship and its crew."

# Seconds until an answer begins on a slow machine; a model still busy with two others would take longer.
PROMPT = 8.0


def ask(client: Stranger, message: str, message_id: str) -> None:
    client.say("ai:chat", json.dumps({"message": message, "locale": "en", "messageId": message_id}))
    assert client.hear() == ("ai:response:start", {"messageId": message_id})


def next_chunk(client: Stranger, message_id: str) -> str:
    event, data = client.hear()
    assert (event, data["messageId"]) == ("ai:response:chunk", message_id)
    chunk: str = data["chunk"]
    return chunk


def finish(client: Stranger, message_id: str) -> tuple[list[str], dict[str, Any]]:
    """All chunks that are still to come, and the data of the completion."""
    chunks: list[str] = []
    while True:
        event, data = client.hear()
        assert data["messageId"] == message_id
        if event != "ai:response:chunk":
            assert event == "ai:response:complete", data
            return chunks, data
        chunks.append(data["chunk"])


@pytest.mark.parametrize("door", DOORS)
def test_an_answer_streams(pair: Pair, door: str) -> None:
    with DOORS[door](pair.ws.port, pair.acquire()) as client:
        ask(client, SHORT, "short")
        chunks, complete = finish(client, "short")
    # The model is free to say no more than "Hey there!".
    assert len(chunks) > 1
    assert all(chunks)
    assert "".join(chunks) == complete["fullResponse"]
    assert complete.get("finishReason") in (None, "length")


def test_other_events_are_answered_while_it_streams(pair: Pair) -> None:
    with Native(pair.api.port, pair.acquire()) as client:
        ask(client, LONG, "long")
        next_chunk(client, "long")
        client.say("ping", "{}")
        while (heard := client.hear()[0]) == "ai:response:chunk":
            pass
        assert heard == "pong"
        client.say("ai:cancel", '{"messageId": "long"}')
        finish(client, "long")


@pytest.mark.parametrize("door", DOORS)
def test_a_cancelled_answer_completes_with_what_was_said(pair: Pair, door: str) -> None:
    with DOORS[door](pair.api.port, pair.acquire()) as client:
        ask(client, LONG, "long")
        chunks = [next_chunk(client, "long"), next_chunk(client, "long")]
        client.say("ai:cancel", '{"messageId": "long"}')
        more, complete = finish(client, "long")
        assert complete["finishReason"] == "cancelled"
        assert complete["fullResponse"] == "".join(chunks + more)
        client.say("echo", "1")
        assert client.hear()[0] == "echo_response"


def test_whoever_leaves_stops_the_model(pair: Pair) -> None:
    """The model answers two at a time: were it not stopped, a third would wait for the end of a long story."""
    with ExitStack() as leaving:
        for door in DOORS.values():
            client = leaving.enter_context(door(pair.ws.port, pair.acquire()))
            ask(client, LONG, "story")
            if door is not Polling:
                next_chunk(client, "story")
        leaving.enter_context(Native(pair.ws.port, pair.acquire()))
        # Nobody says goodbye but the poller, whose connection is not seen to end.
        client.post("1")
    with Native(pair.ws.port, pair.acquire()) as client:
        began = monotonic()
        ask(client, SHORT, "next")
        next_chunk(client, "next")
        assert monotonic() - began < PROMPT
        client.say("ai:cancel", '{"messageId": "next"}')
        finish(client, "next")


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_rest_asks_the_same_model(pair: Pair, accept: str) -> None:
    headers = f"Content-Type: application/json\nAccept: {accept}"
    with Wire(pair.api.port, timeout=60) as wire:
        answer = wire.request("POST", "/api/ai/chat", headers, json.dumps({"message": SHORT, "locale": "en"}))
    assert answer.status == 200
    if accept == "application/json":
        assert answer.json()["response"]
    else:
        events = [json.loads(line[6:]) for line in answer.body.decode().splitlines() if line.startswith("data: ")]
        assert "".join(event.get("chunk", "") for event in events) == events[-1]["fullResponse"]
        assert len(events) > 5
