"""A client that moves to another machine while its home does not answer, or ends."""

from __future__ import annotations

import signal
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.integration.test_redis import ready
from tests.integration.test_redis_failover import Listener
from tests.support.far_servers import there
from tests.support.node import running
from tests.support.redis import Redis
from tests.support.services import acquire, started
from yekta.socketio.incoming_session import PATIENCE

__all__ = ["there"]

pytestmark = [pytest.mark.needs("redis-server"), pytest.mark.needs("node")]


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
def test_it_begins_anew_in_time_and_hears_nothing_twice(tmp_path: Path, there: Redis, number: signal.Signals) -> None:
    settings = {"DATABASE_URL": f"sqlite:///{tmp_path}/shared.db", "DRAIN_SECONDS": "0", "LINK_FOLDER": "off"}
    with ExitStack() as stack:
        home, other = (
            stack.enter_context(
                started(
                    "yektayar-api",
                    folder=tmp_path,
                    settings={**settings, "REDIS_URL": there.url, "CONTROL_SOCKET": str(tmp_path / name)},
                )
            )
            for name in ("home", "other")
        )
        for service in (home, other):
            while ready(service)["redis"] != "up":
                pass
        urls = [f"http://127.0.0.1:{service.port}" for service in (home, other)]
        client = stack.enter_context(running("elsewhere.mjs", urls[0], acquire(home.port)))
        listener = Listener(client, tmp_path / "other")
        listener.hears()
        client.tell("cut")
        assert client.hear() == {"lost": "transport close"}
        home.process.send_signal(number)
        listener.say()
        begun = time.monotonic()
        client.tell(urls[1])
        came = client.hear()
        assert not came["recovered"]
        # Longer than its session is waited for, by what a busy machine takes.
        assert time.monotonic() - begun < PATIENCE + 1.5
        assert client.hear()["event"] == "connected"
        listener.hears()
        if number == signal.SIGSTOP:
            # What it is asked it hears now, and gives what nobody waits for any more.
            home.process.send_signal(signal.SIGCONT)
            for _ in range(20):
                listener.hears()
        assert listener.heard == sorted(set(listener.heard))
        assert home.stop() == (0 if number == signal.SIGSTOP else -number)
        assert other.stop() == 0
    assert "Traceback" not in home.text + other.text
