"""Both services restarted under load: nobody sees an error, all is answered once, and all come back spread."""

from __future__ import annotations

import signal
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.node import running
from tests.support.services import acquire
from tests.support.systemd import manager

pytestmark = pytest.mark.needs("node")

SERVICES = ("yektayar-api.service", "yektayar-ws.service")

# 500 clients, of each kind on each service; what is left of them polls.
EACH, POLLING = 120, 10

DRAIN_SECONDS = 3


def test_a_rolling_restart_under_load(tmp_path: Path) -> None:
    settings = {
        "DATABASE_URL": f"sqlite:///{tmp_path}/shared.db",
        "DRAIN_SECONDS": str(DRAIN_SECONDS),
        "DRAIN_ANSWERS_SECONDS": "1",
    }
    with ExitStack() as stack:
        # The path of a UNIX socket must be short.
        folders = [tmp_path / str(number) for number in range(len(SERVICES))]
        for folder in folders:
            folder.mkdir()
        managers = [stack.enter_context(manager(folder, **settings)) for folder in folders]
        old = [stack.enter_context(each.started(name)) for each, name in zip(managers, SERVICES, strict=True)]
        ports = [each.port for each in managers]
        token = acquire(ports[0])
        crowd = stack.enter_context(running("crowd.mjs", ports, token, EACH, POLLING))
        assert crowd.hear() == {"connected": 500}
        new = [stack.enter_context(each.started(name)) for each, name in zip(managers, SERVICES, strict=True)]
        for service in old:
            service.process.send_signal(signal.SIGTERM)
        assert [service.wait() for service in old] == [0, 0]
        crowd.tell("enough")
        seen = crowd.hear()
        assert [service.stop() for service in new] == [0, 0]
    for service in (*old, *new):
        assert "Traceback" not in service.text
        assert token not in service.text
    judge(seen)


def judge(seen: Any) -> None:
    assert seen["errors"] == []
    assert (seen["clients"], seen["open"]) == (500, 500)
    assert (seen["unanswered"], seen["repeated"]) == (0, 0)
    # Each Socket.IO client is the same as before, at the new process.
    assert seen["recovered"] == 2 * (EACH + POLLING)
    assert seen["sent"] >= 500 * DRAIN_SECONDS
    closes = seen["closes"]
    assert Counter((each["kind"], each["why"]) for each in closes) == {
        ("native", 1012): 2 * EACH,
        ("websocket", "transport close"): 2 * EACH,
        ("polling", "transport close"): 2 * POLLING,
    }
    for port in {each["port"] for each in closes}:
        times = sorted(each["at"] for each in closes if each["port"] == port)
        assert times[-1] - times[0] > DRAIN_SECONDS * 1000 * 0.7
        # In no tenth of the time does anything like everybody leave.
        tenth = DRAIN_SECONDS * 100
        crowds = Counter((time - times[0]) // tenth for time in times)
        assert max(crowds.values()) < len(times) / 3
        assert len(crowds) >= 7
