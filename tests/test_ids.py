"""Ids: as long as they say, never twice, and not the same in a child."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Callable

import pytest

from yekta.ids import new_bytes, new_id, new_row_id, new_token


@pytest.mark.parametrize(("make", "form"), [(new_id, "[A-Za-z0-9_-]{20}"), (new_token, "[A-Za-z0-9_-]{43}")])
def test_ids_and_tokens_differ_and_have_their_form(make: Callable[[], str], form: str) -> None:
    made = {make() for _ in range(1000)}
    assert len(made) == 1000
    assert all(re.fullmatch(form, each) for each in made)


def test_a_token_has_all_of_its_bits() -> None:
    made = [base64.urlsafe_b64decode(new_token() + "=") for _ in range(1000)]
    assert {len(each) for each in made} == {32}
    assert all(len({each[place] for each in made}) > 200 for place in range(32))


def test_ids_of_rows_are_in_the_order_of_time_and_differ_within_a_millisecond() -> None:
    made = [new_row_id(1_700_000_000 + 7 * number / 1000) for number in range(100_000)]
    assert made == sorted(made)
    assert all(re.fullmatch("[A-Za-z0-9_-]{16}", each) for each in made)
    assert len({new_row_id(0.0) for _ in range(1000)}) == 1000


@pytest.mark.parametrize("make", [lambda: new_id().encode(), new_bytes])
def test_a_child_makes_its_own(make: Callable[[], bytes]) -> None:
    make()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, make())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 100) != make()
