"""How people write what identifies them, brought to one form each.

Everything here comes from a client and may be of any type. Knows no database.
"""

from __future__ import annotations

import re
import unicodedata

NAME_LIMIT = 200
EMAIL_LIMIT = 254  # RFC 5321 4.5.3.1.3, without the angle brackets.

# Composing takes time that is quadratic in the marks upon one letter, so no more characters than this are composed. It
# makes at most four of them one: what is longer than this stays longer than any limit.
_COMPOSED = 4 * (EMAIL_LIMIT + 1)

# Enough to catch a slip of the pen: only a letter that arrives proves an address.
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
# E.164 allows 15 digits. Local numbers are kept as they are: the country is not known.
_PHONE = re.compile(r"\+?[0-9]{7,15}")
_PUNCTUATION = re.compile(r"[\s().\-\u2010-\u2015]+")


def text(value: object) -> str:
    """Trimmed and composed text (Unicode NFC), or ``""`` for anything else, control characters included.

    Of a text that is longer than any limit only the beginning is given, which is longer as well.
    """
    if not isinstance(value, str):
        return ""
    composed = unicodedata.normalize("NFC", value.strip()[:_COMPOSED])
    return composed if all(unicodedata.category(char) not in ("Cc", "Cs") for char in composed) else ""


def email(value: object) -> str | None:
    """An address in lower case, or ``None`` where it is none."""
    address = text(value).lower()
    return address if len(address) <= EMAIL_LIMIT and _EMAIL.fullmatch(address) else None


def phone(value: object) -> str | None:
    """A number as ASCII digits, ``+`` first where it is international (also written ``00``), or ``None``."""
    number = _PUNCTUATION.sub("", "".join(map(_ascii_digit, text(value)[:64])))
    number = f"+{number[2:]}" if number.startswith("00") else number
    return number if _PHONE.fullmatch(number) else None


def _ascii_digit(char: str) -> str:
    """Persian and Arabic keyboards have digits of their own."""
    digit = unicodedata.decimal(char, None)
    return char if digit is None else str(digit)
