"""Members of rooms, without any client behind them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from yekta.rooms import Joined
from yekta.socketio.acks import Answered, TooManyAcks
from yekta.socketio.adapter import Adapter, RemoteSocket
from yekta.socketio.message import Message


@attrs.define(eq=False)
class Person:
    """A member that remembers what it was told. ``mute`` ones cannot be asked."""

    id: str
    mute: bool = False
    told: list[list[Any]] = attrs.field(factory=list)
    asked: dict[int, Answered] = attrs.field(factory=dict)
    disconnects: list[bool] = attrs.field(factory=list)
    adapter: Adapter | None = None
    owner: object = None
    joined: Joined = None

    def deliver(self, message: Message) -> None:
        self.told.append(list(message.args))

    def ask(self, message: Message, answered: Answered) -> Callable[[], None] | None:
        self.deliver(message)
        if self.mute or message.id is None:
            return None
        number = message.id
        self.asked[number] = answered
        return lambda: self.asked.pop(number, None) and None

    def answer(self, *args: Any) -> None:
        ((number, answered),) = self.asked.items()
        del self.asked[number]
        answered(list(args))

    def leave(self) -> None:
        """Go away without an answer."""
        waiting, self.asked = self.asked, {}
        for answered in waiting.values():
            answered(None)

    def describe(self) -> RemoteSocket:
        assert self.adapter is not None
        return RemoteSocket(self.id, frozenset(self.adapter.rooms.of(self)), {}, {})

    def disconnect(self, close: bool = False) -> None:
        self.disconnects.append(close)
        assert self.adapter is not None
        self.adapter.remove_all(self)


class LostWhenAsked(Person):
    def ask(self, message: Message, answered: Answered) -> Callable[[], None] | None:
        stop: Any = super().ask(message, answered)
        self.leave()
        return stop  # type: ignore[no-any-return]


class TongueTied(Person):
    def ask(self, message: Message, answered: Answered) -> Callable[[], None] | None:
        raise ValueError("cannot be said")


class Debtor(Person):
    def ask(self, message: Message, answered: Answered) -> Callable[[], None] | None:
        raise TooManyAcks
