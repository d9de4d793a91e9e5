from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.cost import costs_less
from yekta.app import identifiers


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("sara@example.com", "sara@example.com"),
        ("  Sara.K+x@Example.COM ", "sara.k+x@example.com"),
        ("سارا@مثال.ایران", "سارا@مثال.ایران"),
    ],
)
def test_an_email_is_brought_to_one_form(written: str, meant: str) -> None:
    assert identifiers.email(written) == meant


@pytest.mark.parametrize(
    "written",
    [
        *("", "sara", "@", "a@b", "a@b.", "a@.b", "a@b..c", "a@b@c.d", "a b@c.d", "a\x00@b.c", "a\ud800@b.c"),
        *("a" * 65 + "@b.c", "a@" + "b" * 260 + ".c"),
        *(None, 7, ["a@b.c"], {"a": 1}),
    ],
)
def test_what_is_no_email(written: object) -> None:
    assert identifiers.email(written) is None


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("09121234567", "09121234567"),
        ("+98 912 123-4567", "+989121234567"),
        ("0098 (912) 123.4567", "+989121234567"),
        ("۰۹۱۲۱۲۳۴۵۶۷", "09121234567"),
        ("٠٩١٢١٢٣٤٥٦٧", "09121234567"),
    ],
)
def test_a_phone_number_is_brought_to_one_form(written: str, meant: str) -> None:
    assert identifiers.phone(written) == meant


@pytest.mark.parametrize("written", ["", "1", "++4412345678", "0912x1234567", "1" * 16, "²²²²²²²²", None, 9121234567])
def test_what_is_no_phone_number(written: object) -> None:
    assert identifiers.phone(written) is None


def test_text_is_trimmed_and_composed_and_has_no_control_characters() -> None:
    assert identifiers.text("  e\u0301 ") == "é"
    assert identifiers.text("نیم\u200cفاصله") == "نیم\u200cفاصله"
    assert identifiers.text("a\nb") == identifiers.text(b"a") == identifiers.text(None) == ""


def test_text_that_is_too_long_stays_so() -> None:
    assert identifiers.email("a@" + "b" * 100_000 + ".c") is None
    assert len(identifiers.text("\u1f82" * 100_000)) > identifiers.EMAIL_LIMIT
    assert len(identifiers.text("\u03b1\u0313\u0300\u0345" * 100_000)) > identifiers.EMAIL_LIMIT
    assert identifiers.text("a" + " " * 100_000 + "b") != "a"


@pytest.mark.parametrize("read", [identifiers.text, identifiers.email, identifiers.phone])
def test_marks_without_end_upon_one_letter_cost_nothing(read: Callable[[object], object]) -> None:
    assert costs_less(lambda: read("a" + "\u0301" * 20_000 + "\u0327" * 20_000), 0.1)
