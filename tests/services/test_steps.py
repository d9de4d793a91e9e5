"""The end of a node: every step is taken, whatever becomes of those before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.application.service import Service
from twisted.internet.defer import Deferred, ensureDeferred, fail, succeed
from twisted.logger import capturedLogs

from tests.support.patience import reactor
from yekta.app.database import DatabaseError
from yekta.services.config import load
from yekta.services.node import Node
from yekta.services.steps import take


def broken() -> Any:
    raise OSError("It broke.")


def broken_later() -> Any:
    return fail(OSError("It broke."))


# How to come to each thing of a node that is called when it ends.
CALLED: list[tuple[Callable[[Node], Any], str]] = [
    (lambda node: node.answers, "stop"),
    (lambda node: node, "_linger"),
    (lambda node: node.socketio, "close"),
    (lambda node: node.websockets, "all_closed"),
    (lambda node: node.sessions, "stop"),
    (lambda node: node.conversations, "stop"),
    (lambda node: node._pool, "closeCachedConnections"),
]


@pytest.mark.parametrize("breaks", [broken, broken_later])
@pytest.mark.parametrize(("owner", "name"), CALLED, ids=[name for _, name in CALLED])
@pytest_twisted.ensureDeferred
async def test_the_database_is_closed_and_all_below_is_stopped(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    owner: Callable[[Node], Any],
    name: str,
    breaks: Callable[[], Any],
) -> None:
    given = {"DATABASE_URL": f"sqlite:///{tmp_path}/y.sqlite3", "LINK_FOLDER": "off", "AI_BASE_URL": "http://[::1]:9/v1"}
    node = Node(reactor, load(given, {}))
    below = Service()
    below.setServiceParent(node)
    node.startService()
    with monkeypatch.context() as patch, capturedLogs() as logs:
        patch.setattr(owner(node), name, lambda *_, **__: breaks())
        await node.stopService()
    assert len([log for log in logs if "log_failure" in log]) == 1
    assert not below.running
    with pytest.raises(DatabaseError, match="closed"):
        await node._database.query("SELECT 1")
    # What was left out is made up for: nothing is to be there after a test.
    await node.stopService()


def test_a_step_is_waited_for() -> None:
    taken: list[int] = []
    first: Deferred[None] = Deferred()
    done = ensureDeferred(take((lambda: first, lambda: taken.append(1), lambda: succeed(taken.append(2)))))
    assert not done.called
    first.callback(None)
    assert (taken, done.called) == ([1, 2], True)
