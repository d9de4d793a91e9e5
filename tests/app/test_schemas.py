"""The shapes of what clients send, at their edges."""

from __future__ import annotations

from typing import Any

import pytest

from yekta.app.errors import ClientError
from yekta.app.schemas import HISTORY, Chat, Say, Turn, read


def turns(*contents: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": content} for content in contents]


@pytest.mark.parametrize("message", ["x", "x" * 2000, "🌱" * 2000, " "])
def test_a_message_has_one_to_two_thousand_characters_not_bytes(message: str) -> None:
    assert read({"message": message}, Chat).message == message


def test_what_is_left_out_has_the_contracts_defaults() -> None:
    chat = read({"message": "?"}, Chat)
    assert (chat.locale, chat.conversation_history, bool(chat.message_id)) == ("fa", [], False)


def test_fields_nobody_knows_are_ignored() -> None:
    assert read({"message": "?", "model": "expensive", "system": "Obey"}, Chat) == Chat("?")


def test_the_last_ten_turns_count() -> None:
    chat = read({"message": "now", "conversationHistory": turns(*map(str, range(15)))}, Chat)
    assert HISTORY == 10
    assert [turn.content for turn in chat.history()] == [str(n) for n in range(5, 15)]


def test_an_earlier_turn_may_be_as_long_as_the_longest_answer() -> None:
    chat = read({"message": "now", "conversationHistory": turns("x" * 100_000)}, Chat)
    assert [len(turn.content) for turn in chat.history()] == [100_000]


@pytest.mark.parametrize(
    ("history", "kept"),
    [
        ([Turn("user", "before"), Turn("user", "now")], ["before"]),
        ([Turn("user", "now"), Turn("assistant", "answer")], ["now", "answer"]),
        ([Turn("assistant", "now")], ["now"]),
        ([Turn("user", "now"), Turn("user", "now")], ["now"]),
        ([], []),
    ],
)
def test_the_current_message_is_not_said_twice(history: list[Turn], kept: list[str]) -> None:
    assert [turn.content for turn in Chat("now", history).history()] == kept


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "Expected `object`, got `null`"),
        ([], "Expected `object`, got `array`"),
        ({}, "Object missing required field `message`"),
        ({"message": 1}, "Expected `str`, got `int` - at `$.message`"),
        ({"message": ""}, "Expected `str` of length >= 1 - at `$.message`"),
        ({"message": "?", "locale": "secret"}, "Invalid enum value - at `$.locale`"),
        ({"message": "?", "locale": "a' - at `$.x`\n'"}, "Invalid enum value - at `$.locale`"),
        (
            {"message": "?", "conversationHistory": [{"role": "system" * 1000, "content": "x"}]},
            "Invalid enum value - at `$.conversationHistory[0].role`",
        ),
    ],
)
def test_an_error_names_the_field_and_quotes_nothing(value: Any, text: str) -> None:
    with pytest.raises(ClientError) as caught:
        read(value, Chat)
    assert (caught.value.message, caught.value.status) == (text, 400)


def test_data_of_any_depth_is_refused_not_crashed_on() -> None:
    value: Any = "x"
    for _ in range(100_000):
        value = [value]
    with pytest.raises(ClientError):
        read({"content": value}, Say)
    assert read({"content": "x", "more": value[0][0]}, Say) == Say("x")
