"""The guide's examples run, and their clients see what it promises."""

from __future__ import annotations

import gzip
import json
import re
from functools import partial
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor as _reactor
from twisted.internet.threads import deferToThread
from twisted.web.client import Agent, readBody
from twisted.web.http_headers import Headers

from tests.support.attacks import Wire, head
from tests.support.dialogues import SCRIPTS
from tests.support.patterns import Kind
from tests.support.stage import Stage, stage
from yekta import msgpack

__all__ = ["stage"]

reactor: Any = _reactor

HANDSHAKE = "\n".join(
    (
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    )
)


@pytest.mark.parametrize("name", SCRIPTS)
@pytest_twisted.ensureDeferred
async def test_an_example_answers_as_promised(stage: Stage, name: str) -> None:
    await stage.perform(SCRIPTS[name], stage.listen(stage.play(name).io))


@pytest_twisted.ensureDeferred
async def test_an_answer_that_does_not_come_is_given_up(stage: Stage) -> None:
    events = stage.play("events")
    events.PATIENCE = 0.01
    await stage.perform(
        """
        A> 0
        A< 0{"sid":"<a>"}
        A> 2["quiz"]
        A< 21["question","6 × 7?"]
        A< 2["result",false]
        """,
        stage.listen(events.io),
    )


@pytest_twisted.ensureDeferred
async def test_the_answers_that_did_come_are_told(stage: Stage) -> None:
    await stage.perform(
        """
        A> 0
        A< 0{"sid":"<a>"}
        B> 0{"name":"bob"}
        B< 0{"sid":"<b>"}
        C> 0{"name":"cyd"}
        C< 0{"sid":"<c>"}
        B> 2["sit down","tea"]
        B> 21["who sits there","tea"]
        B< 31[["bob"]]
        C> 2["sit down","tea"]
        B< 2["guest","cyd"]
        A> 21["who is hungry","tea"]
        B< 21["hungry?"]
        C< 21["hungry?"]
        B> 31["me"]
        B> 22["who sits there","tea"]
        B< 32[["bob","cyd"]]
        C!
        A< 31[["me"]]
        """,
        stage.listen(stage.play("rooms").io),
    )


@pytest_twisted.ensureDeferred
async def test_a_client_that_speaks_msgpack_is_recognised(stage: Stage) -> None:
    guest = await stage.enter("A", stage.listen(stage.play("binary").io))

    async def ask(**packet: Any) -> Any:
        await guest.write("b:" + msgpack.encode({"nsp": "/", **packet}).hex())
        return msgpack.decode(bytes.fromhex((await guest.read()).removeprefix("b:")))

    connected = await ask(type=0)
    assert connected == {"type": 0, "nsp": "/", "data": {"sid": Kind(str)}}
    preview = await ask(type=2, id=1, data=["upload", "x.bin", b"123"])
    assert preview == {"type": 2, "nsp": "/", "data": ["preview", {"name": "x.bin", "begins": b"12"}]}


@pytest_twisted.ensureDeferred
async def test_refusals_have_real_statuses_on_polling_and_websocket_alike(stage: Stage) -> None:
    middlewares = stage.play("middlewares")
    address = stage.listen(middlewares.io)
    upgrade = dict(line.split(": ") for line in HANDSHAKE.split("\n"))
    for query, headers in (("transport=polling", {}), ("transport=websocket", upgrade)):
        middlewares.requests.clear()
        get = partial(stage.get, address, "EIO=4&" + query, **headers)
        down = await stage.get(address, "EIO=4&" + query, **headers, X_Maintenance="1")
        assert (down.status, down.headers["retry-after"]) == (503, "60")
        denied = await stage.get(address, f"EIO=4&version=0&{query}", **headers)
        assert (denied.status, denied.json) == (403, {"code": 4, "message": "Forbidden"})
        assert denied.headers["x-content-type-options"] == "nosniff"
        middlewares.requests["127.0.0.1"] = middlewares.MOST
        flood = await get()
        assert (flood.status, flood.headers["retry-after"]) == (429, "30")
        assert flood.json == {"code": 4, "message": "Too many connections"}


@pytest_twisted.ensureDeferred
async def test_old_clients_and_browsers_are_served(stage: Stage) -> None:
    address = stage.listen(stage.play("clients").io)
    get = partial(stage.get, address)
    old = await get("EIO=3&transport=polling&b64=1")
    length, _, packet = old.text.partition(":0")
    assert len(packet) + 1 - len("2:40") == int(length)
    assert packet.endswith("}2:40")
    jsonp = await get("EIO=4&transport=polling&j=3")
    assert re.fullmatch(r"___eio\[3\]\(\"0.+\"\);", jsonp.text)
    page = await get("EIO=4&transport=polling", Origin="https://app.example")
    assert page.headers["access-control-allow-origin"] == "https://app.example"
    assert page.headers["access-control-allow-credentials"] == "true"
    sid = json.loads(page.text[1:])["sid"]
    assert page.headers["set-cookie"] == f"io={sid}; Path=/; HttpOnly; SameSite=Lax"
    stranger = await get("EIO=4&transport=polling", Origin="https://evil.example")
    assert (stranger.status, stranger.json) == (403, {"code": 4, "message": "Origin not allowed"})


@pytest_twisted.ensureDeferred
async def test_polling_answers_are_compressed_where_it_is_worth_it(stage: Stage) -> None:
    async def get(url: str) -> tuple[list[bytes] | None, bytes]:
        # Not `stage.http`, which would hide what was compressed.
        agent = Agent(reactor)
        response = await agent.request(b"GET", url.encode(), Headers({"Accept-Encoding": ["gzip"]}))
        return response.headers.getRawHeaders(b"content-encoding"), await readBody(response)

    url = f"http://{stage.listen(stage.play('clients').io)}/socket.io/?EIO=4&transport=polling"
    coding, body = await get(url)
    assert coding is None
    url += f"&sid={json.loads(body[1:])['sid']}"
    assert (await stage.http.request("POST", url, body=b'40\x1e42["poem",100]')).text == "ok"
    coding, body = await get(url)
    assert coding == [b"gzip"]
    assert gzip.decompress(body).decode().count("so much depends upon") == 100


@pytest_twisted.ensureDeferred
async def test_websocket_messages_are_compressed_where_the_client_offers_it(stage: Stage) -> None:
    port = int(stage.listen(stage.play("clients").io).partition(":")[2])

    def upgrade(extensions: str) -> str | None:
        with Wire(port) as wire:
            wire.send(head("GET", "/socket.io/?EIO=4&transport=websocket", f"{HANDSHAKE}\n{extensions}", b""))
            return wire.response().headers.get("sec-websocket-extensions")

    accepted = await deferToThread(upgrade, "Sec-WebSocket-Extensions: permessage-deflate")
    assert accepted is not None
    assert accepted.startswith("permessage-deflate")
    assert await deferToThread(upgrade, "X-Nothing: offered") is None


@pytest_twisted.ensureDeferred
async def test_a_client_that_does_not_read_is_lost_and_volatile_events_are_dropped_first(stage: Stage) -> None:
    limits = stage.play("limits")
    address = stage.listen(limits.io)
    for event, survives in (("drizzle", True), ("flood", False)):
        limits.ends.clear()
        page = await stage.get(address, "EIO=4&transport=polling")
        query = f"EIO=4&transport=polling&sid={json.loads(page.text[1:])['sid']}"
        url = f"http://{address}/socket.io/?{query}"
        assert (await stage.http.request("POST", url, body=f'40\x1e42["{event}",100]'.encode())).text == "ok"
        answer = await stage.get(address, query)
        if survives:
            assert re.fullmatch(r'40\{"sid":"[\w-]+"\}', answer.text)
            assert not limits.ends
        else:
            assert (answer.status, answer.json) == (400, {"code": 1, "message": "Session ID unknown"})
            assert limits.ends == {"transport error: slow consumer": 1}


@pytest_twisted.ensureDeferred
async def test_a_listener_that_waits_for_its_client_says_more_than_may_wait(stage: Stage) -> None:
    limits = stage.play("limits")
    address = stage.listen(limits.io)
    page = await stage.get(address, "EIO=4&transport=polling")
    query = f"EIO=4&transport=polling&sid={json.loads(page.text[1:])['sid']}"
    url = f"http://{address}/socket.io/?{query}"
    assert (await stage.http.request("POST", url, body=b'40\x1e42["stream",60]')).text == "ok"
    waves = 0
    while waves < 60:
        answer = await stage.get(address, query)
        assert answer.status == 200
        waves += answer.text.count('"wave"')
    assert not limits.ends
