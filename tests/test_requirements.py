"""setup.cfg asks for what is imported, and ``tests/oldest.txt`` for the oldest of what setup.cfg asks for."""

from __future__ import annotations

import ast
import re
import sys
from configparser import ConfigParser
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
EXTRAS = ("postgres", "redis", "local-ai")

# Klein hands out Werkzeug's exceptions as part of its own interface, and asks for it.
COMES_ALONG = {"OpenSSL": "twisted", "werkzeug": "klein"}


def requirements(text: str) -> list[Requirement]:
    return [Requirement(line) for line in text.splitlines() if line and not line.startswith("#")]


def declared() -> dict[str, Requirement]:
    """What the package and the extras that it imports ask for, by canonical name."""
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    texts = [config["options"]["install_requires"], *(config["options.extras_require"][extra] for extra in EXTRAS)]
    return {canonicalize_name(each.name): each for text in texts for each in requirements(text)}


def minimums() -> dict[str, str]:
    found = {}
    for name, requirement in declared().items():
        (specifier,) = requirement.specifier
        assert specifier.operator == ">=", requirement
        found[name] = specifier.version
    return found


def oldest(python: str) -> list[tuple[str, str]]:
    """What `make oldest` installs on a Python: names and versions."""
    pinned = requirements((ROOT / "tests" / "oldest.txt").read_text())
    return [
        (canonicalize_name(each.name), str(each.specifier).removeprefix("=="))
        for each in pinned
        if each.marker is None or each.marker.evaluate({"python_version": python})
    ]


def test_the_oldest_are_those_that_setup_cfg_allows() -> None:
    assert sorted(oldest(pythons()[0])) == sorted(minimums().items())


def test_each_newer_python_has_one_of_each_that_setup_cfg_allows() -> None:
    for python in pythons()[1:]:
        pinned = oldest(python)
        assert sorted(name for name, _ in pinned) == sorted(minimums())
        assert all(declared()[name].specifier.contains(version) for name, version in pinned)


def pythons() -> list[str]:
    """Those that we name, the oldest first."""
    return re.findall(r"Python :: (3\.\d+)", (ROOT / "setup.cfg").read_text())


def imported() -> set[str]:
    """The packages from elsewhere that any module of ours imports."""
    found: set[str] = set()
    for path in (ROOT / "yekta").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            found |= {name.partition(".")[0] for name in names}
    return found - set(sys.stdlib_module_names) - {"yekta"}


def test_what_is_imported_is_asked_for() -> None:
    distributions = packages_distributions()
    asked = set(declared())
    for package in imported():
        names = {canonicalize_name(name) for name in distributions[package]}
        assert names & asked or COMES_ALONG.get(package) in asked, f"{package} comes with {names}"


def test_the_newest_python_that_is_named_is_the_one_that_is_checked() -> None:
    checked = re.findall(r"mypy --python-version (\S+)", (ROOT / "Makefile").read_text())
    assert checked == [pythons()[0], pythons()[-1]]
