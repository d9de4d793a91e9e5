"""Words that ask for help lines: which they are, how they may be spelt, and that nothing else is done with them."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.logger import capturedLogs

from tests.support.peers import FakePeer
from tests.support.provider import ScriptedProvider
from yekta.app.answers import Answers
from yekta.app.care import DEFAULT_FOLDER, LOCALES, Care, load, normalised
from yekta.app.counselor import Counselor
from yekta.app.owner import Owner
from yekta.app.schemas import Chat

HELP = {"fa": "کمک", "en": "Help"}


@pytest.fixture
def ours() -> Care:
    return load()


@pytest.mark.parametrize(
    "text",
    [
        "I want to DIE",
        "i  want\nto die.",
        "(suicide)",
        "self-harm",
        "«خودکشی»",
        "به خودكشي فکر می‌کنم",
        "می‌خواهم بمیرم",
        "مي خواهم بميرم",
        "میخواهم بمیرم",
        "خودکُشی",
        "خودکـــشی",
    ],
)
def test_what_speaks_of_harm_is_noticed_however_it_is_spelt(ours: Care, text: str) -> None:
    assert all(ours.notice(text, locale) for locale in LOCALES)


@pytest.mark.parametrize("text", ["", "hello", "I want to diet", "suicidegirls", "بزرگم را دوست دارم", "امروز خوبم"])
def test_other_words_are_not_even_where_one_is_in_them(ours: Care, text: str) -> None:
    assert ours.notice(text, "fa") is None


def test_help_lines_come_in_the_language_that_is_asked_for(ours: Care) -> None:
    assert "1480" in (ours.notice("suicide", "en") or "")
    assert "۱۴۸۰" in (ours.notice("suicide", "fa") or "")


def test_spelling_is_one() -> None:
    assert normalised("  ÉTÉ\tكتاب‌ها  ") == normalised("été کتاب ها")


def folder(path: Path, words: str = "# none\n\nalpha beta\n") -> Path:
    for locale in LOCALES:
        (path / f"words.{locale}.txt").write_text(words, "utf-8")
        (path / f"help.{locale}.txt").write_text(HELP[locale] + "\n", "utf-8")
    return path


def test_an_operators_words_and_help_lines_are_read_from_a_folder(tmp_path: Path) -> None:
    care = load(folder(tmp_path))
    assert care.notice("So: Alpha  Beta!", "fa") == HELP["fa"]
    assert [care.notice(text, "en") for text in ("suicide", "# none", "alpha")] == [None, None, None]


def test_an_editor_that_marks_a_file_as_utf_8_takes_no_word_from_it(tmp_path: Path) -> None:
    for file in folder(tmp_path, "alpha\n").iterdir():
        file.write_bytes(codecs.BOM_UTF8 + file.read_bytes())
    assert load(tmp_path).notice("alpha", "en") == HELP["en"]


def test_what_an_operator_copies_is_what_is_used_until_then() -> None:
    assert (Path(__file__).parents[2] / "etc" / "yekta" / "care").samefile(DEFAULT_FOLDER)


@pytest.mark.parametrize("line", ["", "  ", "\u200c", "\u0640"])
def test_a_list_without_words_notices_nothing(tmp_path: Path, line: str) -> None:
    assert load(folder(tmp_path, f"# nothing\n{line}\n")).notice("anything, or nothing", "en") is None
    assert load(folder(tmp_path, f"{line}\nalpha\n")).notice("anything, or nothing", "en") is None


@pytest.mark.parametrize("name", [f"{kind}.{locale}.txt" for kind in ("words", "help") for locale in LOCALES])
def test_a_missing_file_is_an_error(tmp_path: Path, name: str) -> None:
    (folder(tmp_path) / name).unlink()
    with pytest.raises(OSError, match=name):
        load(tmp_path)


def chat(care: Care | None, message: str) -> tuple[list[tuple[str, Any]], ScriptedProvider]:
    """What one is told who says ``message``."""
    clock, provider, peer = Clock(), ScriptedProvider(), FakePeer()
    answers = Answers(clock)
    asked = Chat(message, locale="en", message_id="m")
    counselor = Counselor(provider, clock, answers, care=care)
    # Who joins is not told again.
    for _ in range(2):
        counselor.chat(Owner("s"), asked, peer, peer.emit)
    answers.stop()
    assert clock.getDelayedCalls() == []
    return peer.emitted, provider


def test_the_notice_comes_once_before_the_answer_and_the_model_is_asked_all_the_same(tmp_path: Path) -> None:
    with capturedLogs() as logs:
        told, provider = chat(load(folder(tmp_path)), "alpha beta")
    notice = {"messageId": "m", "kind": "care", "locale": "en", "text": HELP["en"]}
    assert told[:2] == [("ai:notice", notice), ("ai:response:start", {"messageId": "m"})]
    assert [event for event, _ in told].count("ai:notice") == 1
    assert [generation.messages[-1].content for generation in provider.generations] == ["alpha beta"]
    assert logs == []


@pytest.mark.parametrize("care", [True, False])
def test_without_such_words_or_with_care_off_there_is_no_notice(tmp_path: Path, care: bool) -> None:
    told, _ = chat(load(folder(tmp_path)) if care else None, "alpha" if care else "alpha beta")
    assert "ai:notice" not in [event for event, _ in told]
