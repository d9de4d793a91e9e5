"""The guide says what the code says: its tables are complete, its references lead somewhere, its names exist."""

from __future__ import annotations

import csv
import inspect
import pkgutil
import re
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest
from twisted.internet.task import Clock

from yekta.engineio.connection import Connection
from yekta.engineio.engine import Engine
from yekta.engineio.settings import Cookie
from yekta.engineio.settings import Settings as EngineSettings
from yekta.socketio.adapter import Adapter
from yekta.socketio.admin import AdminSettings
from yekta.socketio.client import Client
from yekta.socketio.handshake import Handshake
from yekta.socketio.namespace import Namespace
from yekta.socketio.recovery import Settings as RecoverySettings
from yekta.socketio.server import Server
from yekta.socketio.settings import Settings
from yekta.socketio.socket import Socket
from yekta.web.forwarded import NOBODY
from yekta.web.origins import Origins
from yekta.web.site import Limits as SiteLimits
from yekta.websocket.limits import Limits as WebSocketLimits

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
TEXTS = {path.stem: path.read_text() for path in DOCS.glob("*.rst")}

# What Engine.IO sets for its WebSockets, or has no use for.
NOT_OURS = {"max_queued", "ping_interval", "ping_timeout"}

# Tables of options, the class that each describes, and the fields that it leaves out.
OPTIONS: dict[str, tuple[type, set[str]]] = {
    "socketio-options": (Settings, {"engine", "websocket"}),
    "engine-options": (EngineSettings, set()),
    "websocket-options": (WebSocketLimits, NOT_OURS),
    "recovery-options": (RecoverySettings, set()),
    "site-options": (SiteLimits, set()),
    "cookie-options": (Cookie, set()),
    "admin-options": (AdminSettings, set()),
}

# What the guide calls them, and what they are.
OWNERS: dict[str, type] = {
    "io": Server,
    "socket": Socket,
    "namespace": Namespace,
    "client": Client,
    "engine": Engine,
    "connection": Connection,
    "handshake": Handshake,
    "adapter": Adapter,
}

every_chapter = pytest.mark.parametrize("chapter", sorted(TEXTS))


def tables(chapter: str) -> Iterator[tuple[str, list[list[str]]]]:
    """Name and rows of each table, every row without its markup."""
    for match in re.finditer(r"^\.\. csv-table::\n((?:   .*\n)+)\n((?:   .+\n)+)", TEXTS[chapter], re.MULTILINE):
        name = re.search(r":name: (.+)", match[1])
        rows = csv.reader(match[2].splitlines(), skipinitialspace=True)
        yield (name[1] if name else ""), [[cell.replace("\\", "") for cell in row] for row in rows]


TABLES = {name: rows for chapter in TEXTS for name, rows in tables(chapter) if name}


def shown(value: Any) -> str:
    """A default, as the tables write it."""
    if isinstance(value, attrs.Factory):  # type: ignore[arg-type]
        # Of what differs from host to host only the kind can be told.
        value = value.factory if inspect.isbuiltin(value.factory) else value.factory()
    named: dict[Any, str] = {attrs.NOTHING: "required", NOBODY: "nobody", None: "none", True: "yes", False: "no"}
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:,}" if isinstance(value, int) else f"{value:g}"
    if isinstance(value, Origins):
        return ", ".join(value.allowed)
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, Mapping):
        return "none" if not value else str(value)
    return "a function" if callable(value) and value is not attrs.NOTHING else named.get(value, str(value))


@pytest.mark.parametrize("name", OPTIONS)
def test_a_table_of_options_has_every_option_with_its_default(name: str) -> None:
    kind, left_out = OPTIONS[name]
    fields = [field for field in attrs.fields(kind) if field.name not in left_out]  # type: ignore[arg-type]
    assert [row[:2] for row in TABLES[name]] == [[f"``{field.name}``", shown(field.default)] for field in fields]


@pytest.mark.parametrize("name", TABLES)
def test_every_cell_of_a_named_table_says_something(name: str) -> None:
    rows = TABLES[name]
    width = 4 if name in OPTIONS else 2
    assert rows
    assert all(len(row) == width and all(row) for row in rows)


@pytest.mark.parametrize("name", ["socketio-options", "engine-options", "websocket-options"])
def test_a_server_takes_every_option_that_a_table_names(name: str) -> None:
    kind, left_out = OPTIONS[name]
    defaults = {field.name: getattr(kind(), field.name) for field in attrs.fields(kind)}  # type: ignore[arg-type]
    for option in defaults.keys() - left_out:
        Server(Clock(), **{option: defaults[option]})


def test_every_option_of_nodes_has_a_name_here() -> None:
    known = {field.name for kind in (Settings, EngineSettings, WebSocketLimits) for field in attrs.fields(kind)}
    known |= {"cors_origins", "adapter", "keep", "io.of", "io.resource"}
    for _, ours in TABLES["option-names"]:
        for option in re.findall(r"``([\w.]+)[^`]*``", ours):
            assert option in known, option


# -- references --------------------------------------------------------------------------------------------------------


@every_chapter
def test_every_reference_leads_to_a_chapter(chapter: str) -> None:
    for target in re.findall(r":doc:`(?:[^`<]*<)?([^`<>]+)>?`", TEXTS[chapter]):
        assert target in TEXTS, target
    assert set(re.findall(r":(\w+):`", TEXTS[chapter])) <= {"doc"}, "a role that nobody checks"


def test_every_chapter_is_in_the_index_and_is_there() -> None:
    listed = re.search(r"toctree::\n   :maxdepth: 1\n\n((?:   \w+\n)+)", TEXTS["index"])
    assert listed is not None
    assert sorted(listed[1].split()) == sorted(TEXTS.keys() - {"index"})


def included(chapter: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The files that a chapter shows, and how."""
    for path, options in re.findall(r"literalinclude:: (\S+)\n((?:   :.+\n)*)", TEXTS[chapter]):
        yield path, dict(re.findall(r":([\w-]+): (.+)", options))


@every_chapter
def test_what_a_chapter_shows_is_there(chapter: str) -> None:
    for path, options in included(chapter):
        text = (DOCS / path).read_text()
        assert options.keys() <= {"start-after", "end-before"}
        for mark in options.values():
            lines = [line for line in text.splitlines() if mark in line]
            assert len(lines) == 1, f"{mark} is {len(lines)} times in {path}"
        start, end = options.get("start-after", ""), options.get("end-before", "")
        assert not end or text.index(start) < text.index(end)


def test_every_example_is_shown() -> None:
    shown_files = {path for chapter in TEXTS for path, _ in included(chapter)}
    assert shown_files == {str(path.relative_to(DOCS)) for path in DOCS.glob("examples/*.py")}


# -- names -------------------------------------------------------------------------------------------------------------


def literals(chapter: str) -> list[str]:
    """What the chapter writes as code, but for Node's column of its tables."""
    text = TEXTS[chapter]
    if chapter == "node":
        ours = [row[1] for name in ("names", "option-names") for row in TABLES[name]]
        text = "\n".join([text.partition("Where it differs")[2], *ours])
    return re.findall(r"``([^`]+)``", text)


def has(kind: type, name: str) -> bool:
    """Whether its instances have an attribute of this name: defined, annotated, or set when they are made."""
    annotated = {key for each in kind.__mro__ for key in getattr(each, "__annotations__", {})}
    made = inspect.getsource(kind.__init__) if inspect.isfunction(kind.__init__) and not attrs.has(kind) else ""
    return hasattr(kind, name) or name in annotated or re.search(rf"self\.{name}\b", made) is not None


@every_chapter
def test_every_name_of_the_library_exists(chapter: str) -> None:
    for literal in literals(chapter):
        for owner, name in re.findall(r"(?<![\w./])(\w+)\.(?!io\b)(\w+)", literal):
            if owner in OWNERS:
                assert has(OWNERS[owner], name), f"{owner}.{name}"
        if re.fullmatch(r"yekta(\.\w+)+", literal):
            pkgutil.resolve_name(literal)


@every_chapter
def test_every_file_that_a_chapter_names_exists(chapter: str) -> None:
    for path in re.findall(r"``((?:tests|docs)/[\w/.]+)``", TEXTS[chapter]):
        assert (ROOT / path).exists(), path


@every_chapter
def test_python_between_the_lines_compiles(chapter: str) -> None:
    for language, code in re.findall(r"code-block:: (\w+)\n\n((?:   .*\n|\n)+)", TEXTS[chapter]):
        assert language in ("python", "javascript")
        if language == "python":
            compile(textwrap.dedent(code), chapter, "exec")


def test_no_line_is_longer_than_120_characters() -> None:
    for path in (*DOCS.glob("*.rst"), *DOCS.rglob("*.py")):
        assert all(len(line) <= 120 for line in path.read_text().splitlines()), path.name
