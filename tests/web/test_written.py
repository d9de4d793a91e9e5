"""The fields of an answer as they are written: nothing in a value or a name begins another field."""

from __future__ import annotations

import pytest

from yekta.web.written import Written, write


def test_each_field_has_a_line() -> None:
    fields = (("Content-Type", "text/plain; charset=UTF-8"), ("X-Empty", ""))
    assert write(fields, False) == "Content-Type: text/plain; charset=UTF-8\r\nX-Empty: \r\n"
    assert write((), False) == ""


@pytest.mark.parametrize("spelt", ["set-cookie", "SET-COOKIE", "Set-Cookie"])
def test_a_name_is_written_as_is_usual(spelt: str) -> None:
    assert write(((spelt, "a=B"),), False) == "Set-Cookie: a=B\r\n"


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\v", "\f", "\x1c", "\x85", "\u2028"])
def test_no_end_of_a_line_is_written(end: str) -> None:
    (line,) = write(((f"x-a{end}x-b", f"1{end}X-C: 2"),), False).splitlines()
    assert line == "X-A X-B: 1 X-C: 2"


def test_a_field_that_is_given_twice_is_written_once() -> None:
    assert write((("vary", "Origin"), ("Vary", "Accept")), False) == "Vary: Accept\r\n"


def test_the_length_is_not_a_door_s_to_say() -> None:
    assert write((("content-length", "7"), ("X-A", "1")), False) == "X-A: 1\r\n"


@pytest.mark.parametrize("own", [(), (("connection", "keep-alive"),)], ids=["nothing", "another wish"])
def test_the_last_answer_of_a_connection_says_so(own: tuple[tuple[str, str], ...]) -> None:
    assert write(own, True) == "Connection: close\r\n"


def test_headers_that_stay_have_their_lines_at_hand() -> None:
    headers = Written({"cache-control": "no-store", "X-A": "1"})
    assert headers == {"cache-control": "no-store", "X-A": "1"}
    assert headers.lines == write(tuple(headers.items()), False) == "Cache-Control: no-store\r\nX-A: 1\r\n"
