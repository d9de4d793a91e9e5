"""The system prompts, by locale."""

from __future__ import annotations

import re

import pytest

from yekta.ai.provider import Message
from yekta.app import prompts

PERSIAN, LATIN = "[\u0600-\u06ff]", "[A-Za-z]"


@pytest.mark.parametrize(("locale", "letters"), [("fa", PERSIAN), ("en", LATIN), ("de", PERSIAN)])
def test_a_prompt_is_in_the_language_of_its_locale_and_persian_where_it_is_not_known(locale: str, letters: str) -> None:
    words = prompts.system(locale).split()
    assert len([word for word in words if re.search(letters, word)]) / len(words) > 0.9


@pytest.mark.parametrize(
    ("lengths", "kept"),
    [
        ([], []),
        ([prompts.EARLIER - 1, 1], [prompts.EARLIER - 1, 1]),
        ([5, 5, prompts.EARLIER - 3], [3, prompts.EARLIER - 3]),
        ([5, prompts.EARLIER], [prompts.EARLIER]),
        ([5, prompts.EARLIER + 2], [prompts.EARLIER]),
    ],
)
def test_of_very_long_turns_the_end_is_told(lengths: list[int], kept: list[int]) -> None:
    turns = [Message("user", "y" * (length - 1) + "z") for length in lengths]
    told = prompts.earlier(turns)
    assert [len(turn.content) for turn in told] == kept
    assert all(turn.content.endswith("z") for turn in told)
    assert (told == turns) is (lengths == kept)
