"""The process that has an answer ends while it is read at another one."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest_twisted

from tests.support.cuts import read
from tests.support.doors import NATIVE
from tests.support.followers import follow
from tests.support.lanes import API, WS, Lane, begun, both_ways, close, lane, link, other
from tests.support.patience import soon
from tests.support.services import paired

__all__ = ["lane", "link"]


@asynccontextmanager
async def read_elsewhere(tmp_path: Path, lane: Lane, home: str, **settings: str) -> AsyncIterator[tuple[Any, ...]]:
    """An answer of services that nobody else uses, of which half has been read at the other one."""
    with paired(tmp_path, {"AI_BASE_URL": lane.ai.base_url, **settings}) as pair:
        own, token = attrs.evolve(lane, pair=pair), pair.acquire()
        follower, generation, message_id = await begun(own, home, token)
        there = await follow(own.house(other(home)), NATIVE[0], token)
        await there.resume(message_id)
        await read(there, "half")
        yield pair, follower, there, generation, message_id


@both_ways
@pytest_twisted.ensureDeferred
async def test_a_process_that_is_killed_leaves_an_error_that_says_ask_again(
    tmp_path: Path, lane: Lane, home: str
) -> None:
    async with read_elsewhere(tmp_path, lane, home) as (pair, follower, there, generation, message_id):
        {API: pair.api, WS: pair.ws}[home].stop(signal.SIGKILL)
        error = {"messageId": message_id, "error": "The AI service broke off its answer.", "retryable": True}
        assert await there.end() == ("error", error)
        # And so it is: nobody is left who would have it, and nothing is waited for.
        there.text, there.seq = "", -1
        await there.ask(message_id)
        again = await lane.ai.asked()
        again.say("whole")
        again.finish()
        assert await there.end() == ("complete", {"messageId": message_id, "fullResponse": "whole"})
        await soon(generation.cancelled)
        await close(follower, there)
        left = {API: pair.ws, WS: pair.api}[home]
        assert left.stop() == 0
        assert "Traceback" not in left.text


@both_ways
@pytest_twisted.ensureDeferred
async def test_a_home_that_is_stopped_waits_for_those_who_read_elsewhere(
    tmp_path: Path, lane: Lane, home: str
) -> None:
    async with read_elsewhere(tmp_path, lane, home) as (pair, follower, there, generation, message_id):
        await follower.cut()
        service = {API: pair.api, WS: pair.ws}[home]
        service.process.send_signal(signal.SIGTERM)
        generation.say(" more")
        await read(there, " more")
        generation.finish()
        assert await there.end() == ("complete", {"messageId": message_id, "fullResponse": "half more"})
        await close(there)
        assert service.wait() == 0
        assert "Traceback" not in service.text


@both_ways
@pytest_twisted.ensureDeferred
async def test_a_home_that_waits_no_longer_tells_readers_elsewhere_what_it_tells_its_own(
    tmp_path: Path, lane: Lane, home: str
) -> None:
    ends_soon = read_elsewhere(tmp_path, lane, home, DRAIN_ANSWERS_SECONDS="0.2")
    async with ends_soon as (pair, follower, there, generation, message_id):
        {API: pair.api, WS: pair.ws}[home].process.send_signal(signal.SIGTERM)
        end = {"messageId": message_id, "error": "The server is stopping", "retryable": True}
        assert await there.end() == ("error", end)
        await soon(generation.cancelled)
        await close(follower, there)
