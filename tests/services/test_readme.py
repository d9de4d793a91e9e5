"""The README's table of settings is what the settings say. ``python -m tests.services.test_readme`` writes it anew."""

from __future__ import annotations

import re
from pathlib import Path

from yekta.services.config import SETTINGS

README = Path(__file__).parents[2] / "README.rst"
BEGIN, END = ".. settings begin\n", ".. settings end\n"


def table() -> str:
    rows = [("Setting", "Default", "What")]
    rows += [(setting.name, setting.default or "none", setting.help) for setting in SETTINGS]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    rule = "  ".join("=" * width for width in widths)
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(["", rule, lines[0], rule, *lines[1:], rule, "", ""])


def parts() -> tuple[str, str, str]:
    before, rest = README.read_text().split(BEGIN)
    written, after = rest.split(END)
    return before, written, after


def test_the_readme_has_every_setting() -> None:
    assert parts()[1] == table()


def test_both_services_run_side_by_side_as_they_are_shown() -> None:
    """In one folder, where each would find the twistd.pid of the other."""
    text = README.read_text() + (README.parent / "docs" / "pm2.rst").read_text()
    shown = re.findall(r"twistd (?:-n|--nodaemon) (.*)yektayar-", text)
    assert len(shown) > 2
    assert set(shown) == {"--pidfile= "}


if __name__ == "__main__":
    before, _, after = parts()
    README.write_text(before + BEGIN + table() + END + after)
