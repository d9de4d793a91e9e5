"""Care: a message that speaks of harm is answered with help lines first, then as any other. It never blocks an answer.

Words and help lines are files of the operator's, per language (``words.fa.txt``, ``help.fa.txt``). That a word was
found is told to nobody but the one who wrote it: it is neither counted nor logged.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import attrs

LOCALES = ("fa", "en")

# What an operator copies and edits is what we read where nobody did.
DEFAULT_FOLDER = Path(__file__).parents[1] / "etc" / "yekta" / "care"

# Some editors begin a file with a mark that is no part of its first word.
_ENCODING = "utf-8-sig"

# The same letter in the Arabic and the Persian keyboard, and marks that are often left out.
_SAME = str.maketrans({"ي": "ی", "ك": "ک", "ۀ": "ه", "\u200c": " ", "\u0640": "", "’": "'"})


@attrs.frozen
class Care:
    """``expressions`` and ``helps`` by locale."""

    _expressions: dict[str, re.Pattern[str]]
    _helps: dict[str, str]

    def notice(self, text: str, locale: str) -> str | None:
        """The help lines in ``locale``, if ``text`` has a word of any language that asks for them."""
        plain = normalised(text)
        if any(expression.search(plain) for expression in self._expressions.values()):
            return self._helps.get(locale)
        return None


def load(folder: Path = DEFAULT_FOLDER) -> Care:
    """Read the files of ``folder``. Raises :class:`OSError`."""
    expressions, helps = {}, {}
    for locale in LOCALES:
        lines = (folder / f"words.{locale}.txt").read_text(_ENCODING).splitlines()
        words = list(filter(None, (normalised(line) for line in lines if not line.startswith("#"))))
        if words:
            # Whole words only: what begins or ends inside another word is another word.
            expressions[locale] = re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, words)) + r")(?!\w)")
        helps[locale] = (folder / f"help.{locale}.txt").read_text(_ENCODING).strip()
    return Care(expressions, helps)


def normalised(text: str) -> str:
    """``text`` as it is compared: lower case, one spelling of each letter, no vowel marks, single spaces."""
    text = unicodedata.normalize("NFKC", text).translate(_SAME).casefold()
    return " ".join("".join(letter for letter in text if not unicodedata.combining(letter)).split())
