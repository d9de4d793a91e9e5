"""What becomes of an answer that is read at another machine when Redis ends in between."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest
import pytest_twisted

from tests.support.cuts import read
from tests.support.doors import NATIVE
from tests.support.followers import Follower, follow
from tests.support.lanes import Lane, begun, both_ways, close, lane, link, other, streams
from tests.support.redis import redis
from tests.support.services import paired

__all__ = ["lane", "link"]

pytestmark = pytest.mark.needs("redis-server")


@both_ways
@pytest_twisted.ensureDeferred
async def test_its_readers_there_may_come_again_and_those_at_its_home_read_on(
    tmp_path: Path, lane: Lane, home: str
) -> None:
    settings = {"AI_BASE_URL": lane.ai.base_url, "LINK_FOLDER": "off"}
    with redis(tmp_path) as server, paired(tmp_path, {**settings, "REDIS_URL": server.url}) as pair:
        own, token = attrs.evolve(lane, pair=pair), pair.acquire()
        follower, generation, message_id = await begun(own, home, token)
        there = await resumed(own, other(home), token, message_id, "half")
        server.stop()
        generation.say(" more")
        await read(follower, " more")
        server.start()
        error = {"messageId": message_id, "error": "The AI service broke off its answer.", "retryable": True}
        assert await there.end() == ("error", error)
        again = await resumed(own, other(home), token, message_id, "half more")
        generation.finish()
        end = ("complete", {"messageId": message_id, "fullResponse": "half more"})
        assert (await follower.end(), await again.end()) == (end, end)
        await close(follower, there, again)
        for service in (pair.api, pair.ws):
            assert service.stop() == 0
            assert "Traceback" not in service.text


async def resumed(lane: Lane, at: str, token: str, message_id: str, text: str) -> Follower:
    """Who reads the answer there, once that service knows of it."""
    asking = await lane.enter(at, token)
    while not await streams(asking):
        pass
    await asking.leave()
    follower = await follow(lane.house(at), NATIVE[0], token)
    await follower.resume(message_id)
    await read(follower, text)
    return follower
