"""What is printed of a comparison, and kept in the README."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import readme, rows
from benchmarks.generator import Measured
from benchmarks.table import table

ECHO, MEMORY = rows.chosen(["socket.io:echo"]) + rows.chosen(["native:memory"])


def measured(*rates: float, p99: float = 1.0) -> list[Measured]:
    return [Measured(rate, 0.5, p99, 1) for rate in rates]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


def test_medians_and_ratios_that_are_above_one_where_the_product_is_ahead() -> None:
    results = {
        (ECHO, "yekta"): measured(300, 100, 200, p99=2),
        (ECHO, "Bun"): measured(400, p99=1),
        (ECHO, "uvicorn"): measured(20),
        (ECHO, "aiohttp"): measured(25),
        (MEMORY, "yekta"): measured(2_000),
        (MEMORY, "Bun"): measured(10_000),
    }
    lines = table([ECHO, MEMORY], results).splitlines()
    assert cells(lines[1]) == ["yekta", "Bun", "uvicorn", "aiohttp", ": Bun", ": Python"]
    assert cells(lines[3])[1:] == ["200", "400", "20.00", "25.00", "0.50", "8.00"]
    assert cells(lines[4])[1:] == ["2.00", "1.00", "1.00", "1.00", "0.50", "0.50"]
    assert cells(lines[5])[1:] == ["2,000", "10,000", "5.00"]


def test_a_server_that_failed_leaves_its_cell_empty() -> None:
    lines = table([ECHO], {(ECHO, "yekta"): measured(7), (ECHO, "Node"): []}).splitlines()
    assert cells(lines[3])[1:] == ["7.00"]


def test_rows_are_chosen_by_pattern() -> None:
    assert len(rows.chosen(None)) == len(rows.ROWS)
    assert {row.key for row in rows.chosen(["echo*"])} == {"echo", "echo-16", "echo-1k", "echo-64k"}
    assert {row.family for row in rows.chosen(["native:*"])} == {"native"}


def test_results_replace_what_stands_between_the_markers(tmp_path: Path) -> None:
    path = tmp_path / "README.rst"
    path.write_text("a\n.. results begin\n\nold\n\n.. results end\nz\n")
    readme.write("results", "new\n", path)
    assert path.read_text() == "a\n.. results begin\n\nnew\n\n.. results end\nz\n"
    with pytest.raises(ValueError, match="growth"):
        readme.write("growth", "new", path)
