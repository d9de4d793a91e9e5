"""What each thing is worth that carries the speed: its list, against what there is."""

from __future__ import annotations

import runpy

import pytest

from benchmarks import rows
from benchmarks.children import ROOT
from benchmarks.tricks import TRICKS, Trick
from yekta.services.config import SETTINGS

WITHOUT = runpy.run_path(str(ROOT / "benchmarks/application/bench_without.py"))


@pytest.mark.parametrize("trick", TRICKS, ids=[trick.name for trick in TRICKS])
def test_each_stands_in_its_file_can_be_left_out_and_shows_in_a_row(trick: Trick) -> None:
    name, _, value = trick.name.partition("=")
    assert (ROOT / "yekta" / trick.file).is_file()
    assert name in ({setting.name for setting in SETTINGS} | {"reactor"} if value else WITHOUT)
    assert all(rows.chosen([pattern]) for pattern in trick.rows.split(","))


def test_all_that_can_be_left_out_is_measured() -> None:
    own = {name for name, value in WITHOUT.items() if getattr(value, "__module__", "") == WITHOUT["__name__"]}
    assert {name for name in own if name.islower() and not name.startswith("_")} - {"leave_out"} == {
        trick.name for trick in TRICKS if "=" not in trick.name
    }
