"""The guide's examples run, and their clients see what it promises."""

from __future__ import annotations

import gzip
import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor as _reactor
from twisted.internet.task import Clock
from twisted.internet.threads import deferToThread
from twisted.web.client import Agent, readBody
from twisted.web.http_headers import Headers

from tests.socketio.adapter_suite import AdapterSuite
from tests.support.dialogues import SCRIPTS
from tests.support.services import TWISTD, Service, environment
from tests.support.stage import EXAMPLES, Stage, stage
from yekta.socketio.adapter import Adapter

__all__ = ["stage"]

reactor: Any = _reactor


@pytest.mark.parametrize("name", SCRIPTS)
@pytest_twisted.ensureDeferred
async def test_an_example_answers_as_promised(stage: Stage, name: str) -> None:
    await stage.perform(SCRIPTS[name], stage.listen(stage.play(name).io))


@pytest_twisted.ensureDeferred
async def test_an_answer_that_does_not_come_is_given_up(stage: Stage) -> None:
    events, rooms = stage.play("events"), stage.play("rooms")
    events.PATIENCE = rooms.PATIENCE = 0.02
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
    await stage.perform(
        """
        B> 0{"name":"bob"}
        B< 0{"sid":"<b>"}
        B> 2["sit down","tea"]
        C> 0{"name":"cyd"}
        C< 0{"sid":"<c>"}
        C> 2["sit down","tea"]
        B< 2["guest","cyd"]
        B> 21["who is hungry","tea"]
        B< 21["hungry?"]
        C< 21["hungry?"]
        C> 31["me"]
        B< 31[["me"]]
        """,
        stage.listen(rooms.io),
    )


@pytest_twisted.ensureDeferred
async def test_refusals_have_real_statuses_on_polling_and_websocket_alike(stage: Stage) -> None:
    middlewares = stage.play("middlewares")
    address = stage.listen(middlewares.io)
    websocket = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    upgrade = {**websocket, "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
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
async def test_two_servers_with_an_adapter_are_one(stage: Stage) -> None:
    adapter = stage.play("adapter")
    await stage.enter("A", stage.listen(adapter.here))
    await stage.enter("B", stage.listen(adapter.there))
    await stage.perform("""
        A> 0
        A< 0{"sid":"<a>"}
        B> 0
        B< 0{"sid":"<b>"}
        A> 2["whisper","psst"]
        A< 2["whispered","psst"]
        A> 2["say","hello"]
        A< 2["said","hello"]
        B< 2["said","hello"]
        B> 21["count"]
        B< 31[2]
    """)


class TestBusAdapter(AdapterSuite):
    """The suite that every adapter must pass, with the guide's: alone, it is as good as the one in memory."""

    @pytest.fixture
    def adapter(self, clock: Clock, observed: list[tuple[str, ...]]) -> Adapter:
        bus: list[Adapter] = []
        adapter: Adapter = Stage().play("adapter").BusAdapter(bus, clock, lambda *args: observed.append(args))
        return adapter


@pytest_twisted.ensureDeferred
async def test_the_admin_ui_is_told_numbers(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADMIN_PASSWORD", "s3cret")
    admin = stage.play("admin")
    address = stage.listen(admin.io)
    await stage.perform(
        """
        A> 0/admin,{"username":"operator","password":"guess"}
        A< 4/admin,{"message":"invalid credentials"}
        A> 0/admin,{"username":"operator","password":"s3cret"}
        A< 0/admin,{"sid":"<a>"}
        A< 2/admin,["session","<login>"]
        A< 2/admin,["config",{"supportedFeatures":["AGGREGATED_EVENTS"]}]
        """,
        address,
    )
    event, stats = json.loads((await stage.guests["A"].read()).removeprefix("2/admin,"))
    assert (event, stats["clientsCount"]) == ("server_stats", 1)
    await stage.perform(
        """
        B> 0/admin,{"sessionId":"<login>"}
        B< 0/admin,{"sid":"<b>"}
        """,
        address,
    )
    admin.admin.stop()


@pytest_twisted.ensureDeferred
async def test_a_site_serves_socketio_beside_other_resources(stage: Stage) -> None:
    site = stage.play("site")
    address = stage.listen(site.io, site.site)
    assert "Hello" in (await stage.http.request("GET", f"http://{address}/")).text
    assert (await stage.http.request("GET", f"http://{address}/socket.io/?EIO=4&transport=polling")).status == 200
    await stage.perform(
        """
        A> 0
        A< 0{"sid":"<a>"}
        A< 2["visitors",1]
        """,
        address,
    )


# What `python echo.py` does, with a log that tells the port.
ALOUD = "import runpy, sys; from twisted.python.log import startLogging; startLogging(sys.stdout); runpy.run_path('{}')"
PROGRAMS: dict[str, Callable[[Path], list[str]]] = {
    "echo": lambda script: [sys.executable, "-c", ALOUD.format(script)],
    "service": lambda script: [*TWISTD, "-ny", str(script), "--pidfile="],
}


@pytest.fixture
def program(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Service]:
    """A whole program of the guide's as a process of its own, on a free port."""
    script = tmp_path / f"{request.param}.py"
    script.write_text((EXAMPLES / script.name).read_text().replace("3000", "0"))
    command = PROGRAMS[request.param](script)
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(command, cwd=tmp_path, env=environment(None), text=True, **pipes)
    service = Service(request.param, process)
    service.collect()
    try:
        yield service
    finally:
        service.stop()


@pytest.mark.parametrize("program", ["echo"], indirect=True)
@pytest_twisted.ensureDeferred
async def test_the_echo_server_answers(stage: Stage, program: Service) -> None:
    await stage.perform(
        """
        A> 0
        A< 0{"sid":"<a>"}
        A> 2["message",{"سلام":[1,null]}]
        A< 2["message",{"سلام":[1,null]}]
        """,
        f"127.0.0.1:{program.port}",
    )


def test_the_echo_server_is_15_lines_long() -> None:
    assert len((EXAMPLES / "echo.py").read_text().splitlines()) == 15


@pytest.mark.parametrize("program", ["service"], indirect=True)
@pytest_twisted.ensureDeferred
async def test_twistd_runs_a_server_and_stops_it_with_a_proper_close(stage: Stage, program: Service) -> None:
    await stage.perform(
        """
        A> 0
        A< 0{"sid":"<a>"}
        A< 2["hello"]
        """,
        f"127.0.0.1:{program.port}",
    )
    # Once all is done, twistd ends itself by the signal that it was given.
    assert await deferToThread(program.stop) == -signal.SIGTERM
    assert await stage.guests["A"].ended() == 1000
    assert "Server Shut Down" in program.text
    assert "Traceback" not in program.text
