"""Several AI servers in the settings: who is asked when, for what, and with whose key."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor

from tests.support.doors import House, build, quiet
from tests.support.openai import Abort, Done, Head, OpenAIServer, Raw, Text
from tests.support.rest import call
from yekta.ai.http import make_pool
from yekta.services import config
from yekta.services.config import ConfigError
from yekta.services.providers import remote


async def asked(house: House) -> tuple[int, Any]:
    answer = await call(house, "POST", "/api/ai/chat", {"message": "?"})
    return answer.status, answer.json.get("response")


@pytest_twisted.ensureDeferred
async def test_servers_are_tried_in_their_order_each_with_its_own_model_and_key() -> None:
    servers = [OpenAIServer() for _ in range(3)]
    for server in servers:
        await server.start()
    first, second, third = servers
    first.script(Head(500))
    second.script(Abort())
    third.script(Text("third"), Done())
    house = await build(
        AI_BASE_URL=",".join(server.base_url for server in servers), AI_MODEL="a,b,c", AI_API_KEY="one,,three"
    )
    assert await asked(house) == (200, "third")
    first.script(Text("first"), Done())
    assert await asked(house) == (200, "first")
    # After its first word, nobody else is asked.
    first.script(Text("half"), Raw(b""), Abort(reset=False))
    assert await asked(house) == (502, None)
    assert [len(server.requests) for server in servers] == [3, 1, 1]
    said = [(server.requests[0].body["model"], server.requests[0].headers.get("authorization")) for server in servers]
    assert said == [("a", "Bearer one"), ("b", None), ("c", "Bearer three")]
    await house.close()
    for server in servers:
        await server.stop()
    await quiet()


def providers(**settings: str) -> list[str]:
    """The models that are asked for, in order."""
    loaded = config.load({"AI_BASE_URL": "http://a/v1,http://b/v1", **settings}, {})
    return [provider.name for provider in remote(reactor, make_pool(reactor), loaded)]


def test_one_model_is_asked_of_all_and_one_key_is_shown_to_nobody_else() -> None:
    assert providers(AI_MODEL="m") == ["m", "m"]
    assert providers(AI_MODEL="m,n", AI_API_KEY=",k") == ["m", "n"]
    for settings in ({"AI_API_KEY": "k"}, {"AI_API_KEY": "k,l,m"}, {"AI_MODEL": "m,n,o"}):
        [name] = settings
        with pytest.raises(ConfigError, match=f"^{name} must have as many parts as AI_BASE_URL, 2, not [13].$"):
            providers(**settings)
