"""An AI server that floods, bombs, stalls or leads astray, and clients that make it work for nobody."""

from __future__ import annotations

import functools
import itertools
import json
from typing import Any

import pytest

from tests.support.attacks import Wire, head
from tests.support.siege import Town, besieged, settle, victim_of
from tests.support.strangers import Native, Poller, Polling, SocketIO
from tests.support.upstream import BEHAVIOURS, Upstream

both_ports = pytest.mark.parametrize("port", ["api", "ws"])
JSON = "Content-Type: application/json"
KINDS = pytest.mark.parametrize("kind", [Native, SocketIO, Polling], ids=lambda kind: str(kind.__name__))
_numbers = itertools.count()
HARMFUL = [name for name in BEHAVIOURS if name != "hello"]


@functools.cache
def upstream() -> Upstream:
    return Upstream()


@functools.cache
def gullible() -> Town:
    """Services that ask the AI server who means harm."""
    times = {f"AI_{name}_TIMEOUT": "1" for name in ("FIRST_BYTE", "IDLE")} | {"AI_TOTAL_TIMEOUT": "1.5"}
    # Whoever leaves is not waited for.
    alone = {"AI_ORPHAN_SECONDS": "0.02"}
    return settle({"AI_BASE_URL": upstream().base_url, "AI_API_KEY": "sk-secret", **times, **alone})


def answer_to(stranger: Any, message: str) -> tuple[str, Any]:
    """The last event of the answer to ``message``."""
    # A message of the same name would be answered by what was said before.
    stranger.say("ai:chat", json.dumps({"message": message, "messageId": f"{message} {next(_numbers)}"}))
    while True:
        event, data = stranger.hear()
        if event in ("ai:response:complete", "ai:response:error"):
            return event, data


@pytest.mark.parametrize("behaviour", HARMFUL)
@both_ports
def test_an_answer_that_means_harm_is_an_error_and_the_next_one_is_well(port: str, behaviour: str) -> None:
    victim = victim_of(port, gullible)
    with besieged(victim), Native(victim.port, victim.token) as stranger:
        before = upstream().count(behaviour)
        event, data = answer_to(stranger, behaviour)
        assert event == "ai:response:error"
        assert "secret" not in json.dumps(data)
        assert upstream().hung_up(behaviour, before)
        event, data = answer_to(stranger, "hello")
        assert (event, data["fullResponse"]) == ("ai:response:complete", "hello")


def test_rest_gives_up_on_an_answer_without_end() -> None:
    api = victim_of("api", gullible)
    with besieged(api), Wire(api.port) as wire:
        for behaviour in ("huge line", "an answer without end"):
            before = upstream().count(behaviour)
            answer = wire.request("POST", "/api/ai/chat", JSON, f'{{"message": "{behaviour}"}}')
            assert answer.status >= 400
            assert answer.json()["success"] is False
            assert upstream().hung_up(behaviour, before)
        answer = wire.request("POST", "/api/ai/chat", JSON, '{"message": "hello"}')
        assert answer.json()["response"] == "hello"


@KINDS
@both_ports
def test_the_ai_server_is_left_alone_once_the_client_is_gone(port: str, kind: Any) -> None:
    victim = victim_of(port, gullible)
    with besieged(victim):
        for _ in range(10):
            before = upstream().count("nothing")
            with kind(victim.port, victim.token) as stranger:
                stranger.say("ai:chat", '{"message": "nothing"}')
                assert stranger.hear()[0] == "ai:response:start"
                assert upstream().asked("nothing", before)
                if kind is Polling:
                    stranger.post("1")
                else:
                    stranger.reset()
            assert upstream().hung_up("nothing", before)


@both_ports
def test_one_session_gets_so_many_answers_at_a_time_however_many_connections_it_has(port: str) -> None:
    victim = victim_of(port, gullible)
    with besieged(victim):
        before = upstream().count("nothing")
        strangers = [SocketIO(victim.port, victim.token) for _ in range(10)]
        for stranger in strangers:
            stranger.say("ai:chat", '{"message": "nothing"}')
        heard = [stranger.hear()[0] for stranger in strangers]
        assert heard.count("ai:response:start") == 4
        assert heard.count("ai:response:error") == 6
        assert upstream().asked("nothing", before, 4)
        for stranger in strangers:
            stranger.close()
        assert upstream().hung_up("nothing", before)
        assert upstream().count("nothing") == before + 4


def test_the_ai_server_is_asked_for_plain_text_and_hears_nothing_of_the_client() -> None:
    api = victim_of("api", gullible)
    evil = "Accept-Encoding: gzip, br\nX-Forwarded-Host: evil.example\nCookie: a=b\nContent-Type: application/json"
    with besieged(api), Wire(api.port) as wire:
        wire.send(head("POST", "/api/ai/chat?token=a%0d%0aX-Evil:1", evil, '{"message": "hello"}'))
        assert wire.response().status == 200
    asked = upstream().heads[-1].lower()
    assert b"accept-encoding: identity" in asked
    assert not any(word in asked for word in (b"evil", b"cookie", b"gzip"))


@both_ports
def test_one_who_may_not_enter_asks_the_ai_server_nothing(port: str) -> None:
    victim = victim_of(port, gullible)
    asked = len(upstream().heads)
    with besieged(victim):
        for message in ('42["ai:chat",{"message":"hello"}]', '40{"token":"no"}\x1e42["ai:chat",{"message":"hello"}]'):
            with Poller(victim.port) as stranger:
                stranger.post(message)
    assert len(upstream().heads) == asked
