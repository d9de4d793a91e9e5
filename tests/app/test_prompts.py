"""The system prompts, by locale."""

from __future__ import annotations

import re

import pytest

from yekta.app import prompts

PERSIAN, LATIN = "[\u0600-\u06ff]", "[A-Za-z]"


@pytest.mark.parametrize(("locale", "letters"), [("fa", PERSIAN), ("en", LATIN), ("de", PERSIAN)])
def test_a_prompt_is_in_the_language_of_its_locale_and_persian_where_it_is_not_known(locale: str, letters: str) -> None:
    words = prompts.system(locale).split()
    assert len([word for word in words if re.search(letters, word)]) / len(words) > 0.9
