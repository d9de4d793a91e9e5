"""The guide's servers as a whole: several as one, watched, beside other resources, as programs of their own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.task import Clock
from twisted.internet.threads import deferToThread

from tests.socketio.adapter_suite import AdapterSuite
from tests.support.services import TWISTD, Service, environment
from tests.support.stage import EXAMPLES, Stage, stage
from yekta.socketio.adapter import Adapter, AdapterContext

__all__ = ["stage"]


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
        context = AdapterContext(clock, [lambda *args: observed.append(args)])
        adapter: Adapter = Stage().play("adapter").BusAdapter(bus, context)
        return adapter

    def test_what_one_server_emits_the_others_answer(self) -> None:
        example = Stage().play("adapter")
        for answer in ("one", "two"):
            example.there.on_server_side("question")(lambda number, answer=answer: f"{answer} {number}")
        answers: list[object] = []
        example.here.server_side_emit_with_ack("question", 1).addCallback(answers.extend)
        assert answers == ["one 1"]


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
