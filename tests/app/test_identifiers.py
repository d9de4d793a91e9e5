from __future__ import annotations

import pytest

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
