"""An answer whose readers are cut off at every chunk boundary in turn, and go on by another way.

What was read is what was said, once, whoever reads: ``before`` and ``after`` make a follower who goes on from another.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from tests.support.followers import Follower
from yekta.ai.provider import Kind

TEXTS = ("سلام", " ", "🌱 دنیا", "\r\n\r\n", "data: x", "!")
WHOLE = "".join(TEXTS)

Enter = Callable[[Follower | None], Awaitable[Follower]]

# Waits until a message's answer has so many chunks.
Arrived = Callable[[str, int], Awaitable[object]]


async def read(follower: Follower, text: str) -> None:
    """Read what was said; polling clients may be told of two chunks in one."""
    while not follower.text.endswith(text):
        await follower.chunk()


async def at_once(message_id: str, chunks: int) -> None:
    """What the provider says has arrived when it is said."""


async def cut_at_every_chunk(
    provider: Any, before: Enter, after: Enter, prefix: str = "m", arrived: Arrived = at_once
) -> None:
    for cut in range(len(TEXTS) + 1):
        message_id = f"{prefix}{cut}"
        first = await before(None)
        await first.ask(message_id)
        generation = await provider.asked()
        await _say(generation, first, TEXTS[:cut])
        await first.cut()
        # One chunk while nobody is there, and the rest when somebody is again.
        for text in TEXTS[cut : cut + 1]:
            generation.say(text)
            await arrived(message_id, cut + 1)
        second = await after(first)
        await second.resume(message_id)
        if cut < len(TEXTS):
            await read(second, TEXTS[cut])
        await _say(generation, second, TEXTS[cut + 1 :])
        generation.finish()
        assert await second.end() == ("complete", {"messageId": message_id, "fullResponse": WHOLE})
        assert second.text == WHOLE
        assert second.replays == (cut < len(TEXTS))
        assert not generation.is_cancelled
        await second.cut()


async def cut_after_every_single_chunk(provider: Any, before: Enter, after: Enter, message_id: str = "m") -> None:
    follower = await before(None)
    await follower.ask(message_id)
    generation = await provider.asked()
    for number, text in enumerate(TEXTS):
        generation.say(text)
        await read(follower, text)
        await follower.cut()
        follower = await (after, before)[number % 2](follower)
        await follower.resume(message_id)
    generation.finish()
    assert await follower.end() == ("complete", {"messageId": message_id, "fullResponse": WHOLE})
    assert follower.text == WHOLE
    await follower.cut()


async def die_at_every_chunk(provider: Any, before: Enter, after: Enter, prefix: str = "m") -> None:
    """The provider does; its reader was cut off half way there."""
    for died in range(len(TEXTS) + 1):
        message_id, cut = f"{prefix}{died}", died // 2
        first = await before(None)
        await first.ask(message_id)
        generation = await provider.asked()
        await _say(generation, first, TEXTS[:cut])
        await first.cut()
        for text in TEXTS[cut:died]:
            generation.say(text)
        generation.fail(Kind.INTERRUPTED)
        second = await after(first)
        await second.resume(message_id)
        error = {"messageId": message_id, "error": Kind.INTERRUPTED.value, "retryable": True}
        assert await second.end() == ("error", error)
        assert second.text == "".join(TEXTS[:died])
        await second.cut()


async def _say(generation: Any, follower: Follower, texts: Sequence[str]) -> None:
    for text in texts:
        generation.say(text)
        await read(follower, text)
