"""Whoever's words they are, no terminal obeys them."""

from __future__ import annotations

from yekta.command.failure import plain, plain_text


def test_a_sentence_is_one_line_that_commands_nothing() -> None:
    assert (
        plain("a\x00\n\r\x1b[31m\x7f\x9b0mمی‌خواهم\xa0~ ") == "a\ufffd\ufffd\ufffd\ufffd[31m\ufffd\ufffd0mمی‌خواهم\xa0~ "
    )


def test_a_text_may_have_lines() -> None:
    assert plain_text("a\n\tb\x1b]0;c\x07\r\x9d") == "a\n\tb\ufffd]0;c\ufffd\ufffd\ufffd"
