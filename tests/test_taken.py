"""What values are counted for is what they take."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

from yekta import jsontext
from yekta.taken import takes_more

TEXTS = {
    "lists": "[" + ",".join(["[]"] * 5_000) + "]",
    "objects": "[" + ",".join(['{"":{}}'] * 5_000) + "]",
    "deep": "[" * 1_000 + "]" * 1_000,
    "texts": "[" + ",".join(['"سلام"'] * 5_000) + "]",
    "emoji": '"' + "😀" * 5_000 + '"',
    "numbers": "[" + ",".join(str(10_000 + number) for number in range(5_000)) + "]",
}


@pytest.mark.parametrize("name", TEXTS)
def test_it_is_what_a_value_takes(name: str) -> None:
    text = TEXTS[name].encode()
    tracemalloc.start()
    try:
        value: Any = jsontext.decode(text)
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert takes_more(value, round(0.7 * taken))
    assert not takes_more(value, round(1.4 * taken))
