"""Fresh, real databases for tests. A test module imports the fixtures it uses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_twisted
from twisted.internet import reactor as global_reactor
from twisted.internet.base import ReactorBase

from tests.support import postgres
from yekta.app.database import Database
from yekta.app.database_drivers import driver_for
from yekta.app.migrations import migrate

reactor = cast("ReactorBase", global_reactor)


POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.needs("postgres"))


def new_url(kind: str, folder: Path) -> str:
    """The ``DATABASE_URL`` of an empty database: ``sqlite`` or ``postgresql``."""
    return f"sqlite:///{folder}/test.db" if kind == "sqlite" else postgres.shared().new_database()


@pytest.fixture(params=["sqlite", POSTGRESQL])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return new_url(request.param, tmp_path)


async def open_database(url: str, reactor: ReactorBase, **limits: Any) -> Database:
    """Bring the schema up to date over the connections of the database itself, beside whoever else does."""
    driver = driver_for(url)
    driver.create()
    database = Database(driver, reactor, **limits)
    try:
        await database.change(migrate)
    except BaseException:
        await database.close()
        raise
    return database


@pytest_twisted.async_yield_fixture
async def database(url: str) -> AsyncIterator[Database]:
    opened = await open_database(url, reactor)
    yield opened
    await opened.close()
    assert reactor.getDelayedCalls() == []
