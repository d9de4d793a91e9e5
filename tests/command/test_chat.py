"""The chat in a terminal, with a service that does what the test wants."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from typing import Any

import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from tests.command.test_conversation import Talk
from tests.command.test_main import YEKTA, begun
from tests.support.patience import soon

LONG = 1_000_000


@pytest_twisted.async_yield_fixture
async def talk() -> AsyncIterator[Talk]:
    talk = Talk()
    yield talk
    await talk.port.stopListening()


def chat(talk: Talk, stdout: int = subprocess.PIPE) -> AbstractContextManager[subprocess.Popen[str]]:
    return begun(YEKTA, "chat", "--url", f"http://127.0.0.1:{talk.port.getHost().port}", stdout=stdout)


async def asked(talk: Talk, event: str) -> None:
    """Until that has come."""
    while event not in [each["event"] for each in talk.factory.asked]:
        await talk.factory.came.get()


async def told(talk: Talk, typed: str) -> tuple[str, str]:
    """What is said where all of that is typed."""
    with chat(talk) as chatting:
        said: tuple[str, str] = await soon(deferToThread(chatting.communicate, typed))
        assert chatting.returncode == 0
    return said


@pytest_twisted.ensureDeferred
async def test_an_answer_may_be_longer_than_whoever_reads_it_takes_at_once(talk: Talk) -> None:
    talk.factory.script = [("ai:response:complete", {"fullResponse": "x" * LONG})]
    reader, writer = os.pipe()
    with chat(talk, stdout=writer) as chatting, open(reader, encoding="utf-8") as said:
        assert chatting.stdin is not None
        chatting.stdin.write("?\n")
        chatting.stdin.flush()
        await soon(Deferred.fromCoroutine(asked(talk, "ai:chat")))
        # Who shares it with others, as a terminal is shared, leaves it as it is for them, too.
        assert os.get_blocking(writer)
        os.close(writer)
        chatting.stdin.close()
        assert len(await soon(deferToThread(said.read))) == LONG + 1


@pytest_twisted.ensureDeferred
async def test_what_is_typed_may_be_long_and_its_letters_wrong(talk: Talk) -> None:
    assert await told(talk, "خ" * 20_000 + "\n\n  \nو") == ("Yes.\nYes.\n", "")
    assert [each["data"]["message"] for each in talk.factory.asked] == ["خ" * 20_000, "و"]


@pytest_twisted.ensureDeferred
async def test_no_answer_commands_the_terminal(talk: Talk) -> None:
    talk.factory.script = [
        ("ai:notice", {"text": "\x1b[2J"}),
        ("ai:response:chunk", {"chunk": "a\x1b]0;b\x07\n"}),
        ("ai:response:error", {"error": "\x1bc"}),
    ]
    with chat(talk) as chatting:
        said: Any = await soon(deferToThread(chatting.communicate, "?\n"))
        assert chatting.returncode == 1
    assert said == ("[\ufffd[2J]\na\ufffd]0;b\ufffd\n", "yekta: The AI does not answer: \ufffdc.\n")


@pytest_twisted.ensureDeferred
async def test_a_second_control_c_ends_the_chat_where_the_first_leads_to_nothing(talk: Talk) -> None:
    talk.factory.script = []
    with chat(talk) as chatting:
        assert chatting.stdin is not None
        chatting.stdin.write("?\n")
        chatting.stdin.flush()
        for event in ("ai:chat", "ai:cancel"):
            await soon(Deferred.fromCoroutine(asked(talk, event)))
            chatting.send_signal(signal.SIGINT)
        assert await soon(deferToThread(chatting.wait)) == 130
        assert chatting.communicate() == ("", "")
