"""What every test may rely on: programs that must be there, and a clock that is left clean."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from twisted.internet.task import Clock

from tests.support import postgres

# What is true of an input does not depend on how busy the machine is. Hypothesis does the same by itself where CI=true.
settings.register_profile("unhurried", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

# Whole files stay together (``make test``): those of few but long tests are begun first, lest one process wait for the
# other at the end. The second keeps the other process busy while the first waits for a browser.
LONG = [f"tests/integration/test_{name}.py" for name in ("browser", "secrets", "rolling_restart")]

NODE_MODULES = Path(__file__).parent / "node" / "node_modules"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*programs): node, nginx, cc… must be installed; root: we must be")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Then those of the most tests, as pytest-xdist by itself has it."""
    files = [item.nodeid.partition("::")[0] for item in items]
    tests = Counter(files)
    ranks = {file: (LONG.index(file) if file in LONG else len(LONG), -tests[file]) for file in tests}
    items[:] = [item for _, item in sorted(zip(files, items, strict=True), key=lambda pair: ranks[pair[0]])]


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs"):
        for program in marker.args:
            reason = _missing(program)
            if reason is not None:
                refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
                refuse(reason)


@pytest.fixture
def clock() -> Iterator[Clock]:
    """A clock on which nothing is left, once this turn is over."""
    clock = Clock()
    yield clock
    clock.advance(0)
    assert clock.getDelayedCalls() == []


def _missing(program: str) -> str | None:
    if program == "postgres":
        return postgres.available()
    if program == "node":
        there = shutil.which("node") and (NODE_MODULES / "socket.io-client").is_dir()
        return None if there else "node, or its packages in tests/node, are not installed"
    if program == "root":
        return "only root may" if os.getuid() else None
    # Debian keeps daemons where only root looks.
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"
    return None if shutil.which(program, path=path) else f"{program} is not installed"
