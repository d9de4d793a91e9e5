from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.cost import costs_less, seconds_of
from yekta import jsontext

SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@given(VALUES.filter(lambda value: value not in (float("inf"), float("-inf"))))
def test_what_is_encoded_decodes_to_the_same(value: Any) -> None:
    if "Infinity" not in json.dumps(value):
        assert jsontext.decode(jsontext.encode(value)) == value


@given(st.text() | st.binary())
def test_any_input_is_a_value_or_not_json(data: str | bytes) -> None:
    with suppress(jsontext.NotJson):
        jsontext.decode(data)


def test_the_error_quotes_nothing() -> None:
    with pytest.raises(jsontext.NotJson, match=r"^$"):
        jsontext.decode('{"token": secret}')


@pytest.mark.parametrize("as_bytes", [False, True], ids=["str", "bytes"])
@pytest.mark.parametrize(
    "text",
    [
        "",
        "NaN",
        "Infinity",
        "-Infinity",
        "[1,]",
        "{'a':1}",
        "01",
        "1e400",
        "9" * 5000,
        "\ufeff1",
        '\ufeff"\\u0041"',
        '["\\ud83d",NaN]',
        '["\\ud83d",1e400]',
        '["\\ud83d","\\ud83"]',
        '["\\ud83d","\\ud8xx"]',
        '["\\ud83d","\\x"]',
        '"\\ud83d',
        '"\\u12"',
        "[" * 1025 + "]" * 1025,
        "[" * 100_000,
        "[" * 100_000 + '"\\ud83d"' + "]" * 100_000,
    ],
    ids=lambda text: text[:20] if isinstance(text, str) else "",
)
def test_refused_as_not_json(text: str, as_bytes: bool) -> None:
    with pytest.raises(jsontext.NotJson):
        jsontext.decode(text.encode() if as_bytes else text)


@pytest.mark.parametrize("data", [b"\xff", b'"\xff\\u0041"', b'"\xed\xa0\xbd\\u0041"'])
def test_broken_text_is_not_json(data: bytes) -> None:
    with pytest.raises(jsontext.NotJson):
        jsontext.decode(data)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"\\ud83d"', "\ufffd"),
        ('"\\ude00\\ud83d"', "\ufffd\ufffd"),
        ('"\\ud83d\\ude00\\ud83d!"', "\U0001f600\ufffd!"),
        ('{"\\ud83d":[1,true,null,2.5]}', {"\ufffd": [1, True, None, 2.5]}),
        ('["\\ud83d",12345678901234567890123]', ["\ufffd", 12345678901234567890123.0]),
        ('["\\ud83d",1234567890123456789]', ["\ufffd", 1234567890123456789]),
        (r'"\uD83D\uD83D\uDE00\uDE00\uDE00"', "\ufffd\U0001f600\ufffd\ufffd"),
        (r'"\ud83d \ude00\ud83d\u0041\ude00"', "\ufffd \ufffd\ufffdA\ufffd"),
        (r'"\\ud83d\\\ud83d\\\\ude00"', "\\ud83d\\\ufffd\\\\ude00"),
        (r'"\ud83d\\ude00"', "\ufffd\\ude00"),
    ],
)
def test_half_an_emoji_becomes_a_replacement_character(text: str, value: Any) -> None:
    assert jsontext.decode(text) == value
    assert jsontext.decode(text.encode()) == value
    jsontext.encode(value)


# What Python's own reader makes of it, which keeps the halves.
@given(
    st.lists(
        st.sampled_from([r"\ud83d", r"\uDBFF", r"\ude00", r"\uDC00", r"\u005c", r"\\", r"\"", "ud83d", "u", "😀", " "])
    )
)
def test_any_halves_and_backslashes_are_read_as_they_were_written(parts: list[str]) -> None:
    text = '"' + "".join(parts) + '"'
    assert jsontext.decode(text) == json.loads(text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@pytest.mark.parametrize("rest", [",[]" * 329_000, ",1" * 490_000], ids=["lists", "numbers"])
def test_half_an_emoji_makes_no_message_dear(rest: str) -> None:
    halved, whole = (f'["{first}"{rest}]' for first in (r"\ud83d", r"\ufffd"))
    assert costs_less(lambda: jsontext.decode(halved), 2 * seconds_of(lambda: jsontext.decode(whole)) + 0.02)


def test_a_number_beyond_64_bits_becomes_a_float() -> None:
    value = jsontext.decode("123456789012345678901234567890")
    assert isinstance(value, float)
    assert value == 123456789012345678901234567890.0


def test_nesting_is_followed_1024_deep() -> None:
    value = jsontext.decode("[" * 1024 + "]" * 1024)
    for _ in range(1023):
        (value,) = value
    assert value == []


def test_encoding_is_compact_and_keeps_persian() -> None:
    assert jsontext.encode({"a": [1, "سلام"]}) == '{"a":[1,"سلام"]}'


@pytest.mark.parametrize("value", [2**64, {1: 2}, "\ud83d", b"bytes", {1}, object], ids=repr)
def test_what_json_cannot_say_is_refused(value: Any) -> None:
    with pytest.raises(jsontext.NotJson):
        jsontext.encode(value)


class Secret:
    def __repr__(self) -> str:
        return "a secret"


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (print, "Type is not JSON serializable: builtin_function_or_method"),
        ([Secret()], "Type is not JSON serializable: Secret"),
        ({Secret(): 1}, "Dict key must be str"),
        ({"a secret": "a secret\ud83d"}, "str is not valid UTF-8: surrogates not allowed"),
    ],
    ids=["function", "object", "key", "half a letter"],
)
def test_why_json_cannot_say_it_is_told_without_the_value(value: Any, why: str) -> None:
    """Whoever comes from Node gives `emit` a callback."""
    with pytest.raises(jsontext.NotJson, match=f"^{why}$"):
        jsontext.encode(value)


def test_a_value_too_deep_to_be_sent_back_is_refused() -> None:
    with pytest.raises(jsontext.NotJson):
        jsontext.encode(jsontext.decode("[" * 300 + "]" * 300))


def test_default_maps_what_json_cannot_say() -> None:
    assert jsontext.encode({"a": b"x"}, default=lambda data: data.decode()) == '{"a":"x"}'
