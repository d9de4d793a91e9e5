"""What is made of a DATABASE_URL: which database it is, and how it is opened."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from importlib import import_module
from pathlib import Path

import pytest
import pytest_twisted

from tests.support.databases import new_url, open_database, reactor
from yekta.app.database import DatabaseError
from yekta.app.database_drivers import driver_for


def test_the_file_belongs_to_its_owner_alone(tmp_path: Path) -> None:
    previous = os.umask(0)
    try:
        driver_for(new_url("sqlite", tmp_path)).create()
    finally:
        os.umask(previous)
    assert (tmp_path / "test.db").stat().st_mode & 0o777 == 0o600


@pytest_twisted.ensureDeferred
async def test_sqlite_writes_ahead(tmp_path: Path) -> None:
    database = await open_database(new_url("sqlite", tmp_path), reactor)
    assert await database.query("PRAGMA journal_mode") == [("wal",)]
    assert await database.query("PRAGMA foreign_keys") == [(1,)]
    assert await database.query("PRAGMA cache_size") == [(-256,)]
    assert [file.stat().st_mode & 0o777 for file in tmp_path.iterdir()] == [0o600] * 3
    await database.close()


def test_sqlite_overwrites_what_is_deleted_however_it_was_built(tmp_path: Path) -> None:
    driver = driver_for(new_url("sqlite", tmp_path))
    driver.create()
    with closing(sqlite3.connect(**driver.arguments)) as connection:
        connection.execute("PRAGMA secure_delete = OFF")
        driver.opened(connection)
        assert connection.execute("PRAGMA secure_delete").fetchall() == [(1,)]


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "mysql://u:hunter2@h/d",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:////no/such/folder/y.db",
        "sqlite:////tmp",
        "postgresql://u:hunter2@h:port/d",
        "postgresql://u:hun@ter2@h/d",
        "postgresql://u:hun/ter2@h/d",
        "postgresql://u:hunter2@h/d?no_such_option=hunter2",
        "postgresql://u:hunter2@127.0.0.1:1/d?password=hunter2",
        "postgresql://u:hunter2@/d?host=/no/such/socket",
        "postgresql://u:hunter2@h/\udce9",
    ],
)
@pytest_twisted.ensureDeferred
async def test_a_url_that_leads_nowhere_is_one_sentence_without_the_password(bad: str) -> None:
    with pytest.raises(DatabaseError) as caught:
        await open_database(bad, reactor)
    sentence = str(caught.value)
    assert "DATABASE_URL" in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert "hun" not in sentence
    assert "ter2" not in sentence


def test_the_driver_hides_the_password() -> None:
    driver = driver_for("postgresql://user:hunter2@db.example:5433/name?password=hunter2")
    assert driver.shown == "postgresql://user:***@db.example:5433/name"
    assert "hunter2" not in repr(driver)
    assert driver.arguments["connect_timeout"] == 5
    assert driver_for("postgresql://h/d?connect_timeout=9").arguments["connect_timeout"] == "9"


def test_a_database_is_the_same_by_whatever_way_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path)
    urls = ("sqlite:///a.db", f"sqlite:///{tmp_path}/a.db", f"sqlite:///{tmp_path}/link/a.db")
    assert len({driver_for(url).identity for url in urls}) == 1
    assert driver_for("sqlite:///b.db").identity != driver_for("sqlite:///a.db").identity


def test_a_file_may_have_any_name(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    assert driver_for(f"sqlite:///{folder}/a.db").identity != driver_for(f"sqlite:///{tmp_path}/a.db").identity


def test_a_server_is_the_same_by_whatever_way_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    one = driver_for("postgresql://sara:hunter2@h:5433/d").identity
    for other in ("postgres://sara:changed@h:5433/d?connect_timeout=9", "postgresql:///d?host=h&port=5433&user=sara"):
        assert driver_for(other).identity == one
    for another in ("postgresql://sara@h:5433/e", "postgresql://sara@h/d", "postgresql://sara@i:5433/d"):
        assert driver_for(another).identity != one
    monkeypatch.setenv("PGHOST", "h")
    assert driver_for("postgresql://sara@:5433/d").identity == one


@pytest.mark.parametrize("name", [b"caf\xe9.db", b"a b?mode=memory#c%41&.db"])
@pytest_twisted.ensureDeferred
async def test_a_file_of_any_name_is_opened_by_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: bytes
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("", f"{tmp_path}/", f"/{tmp_path}/"):
        database = await open_database(f"sqlite:///{folder}{os.fsdecode(name).replace('%', '%25')}", reactor)
        await database.close()
        assert {os.fsencode(file.name) for file in tmp_path.iterdir()} == {name}


@pytest_twisted.ensureDeferred
async def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "test.db").write_text("This is a letter. " * 100)
    with pytest.raises(DatabaseError, match=r"DATABASE_URL \(.*\) failed: file is not a database\."):
        await open_database(new_url("sqlite", tmp_path), reactor)


def test_sqlite_says_in_which_errors_there_is_no_room(tmp_path: Path) -> None:
    driver = driver_for(new_url("sqlite", tmp_path))
    driver.create()
    with closing(sqlite3.connect(**driver.arguments)) as connection:
        connection.execute("CREATE TABLE t (x BLOB)")
        connection.execute("PRAGMA max_page_count = 4")
        errors = []
        for statement in ("INSERT INTO t VALUES (zeroblob(100000))", "INSERT INTO missing VALUES (1)"):
            with pytest.raises(sqlite3.Error) as caught:
                connection.execute(statement)
            errors.append(caught.value)
    assert [driver.is_unwritable(error) for error in [*errors, ValueError()]] == [True, False, False]


@pytest.mark.needs("postgres")
def test_a_connection_that_has_just_been_lost_can_be_hung_up(tmp_path: Path) -> None:
    driver = driver_for(new_url("postgresql", tmp_path))
    connection = import_module(driver.module).connect(**driver.arguments)
    connection.close()
    driver.interrupt(connection)
