from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from yekta.socketio.listeners import Listeners, ignore, listener


def one(a: Any) -> Any:
    return [a]


def two(a: Any, b: Any) -> Any:
    return [a, b]


def with_default(a: Any, b: Any = "default") -> Any:
    return [a, b]


def rest(a: Any, *others: Any) -> Any:
    return [a, *others]


class Thing:
    def method(self, a: Any) -> Any:
        return [a]


ARITIES: list[tuple[Callable[..., Any], list[Any], list[Any]]] = [
    (lambda: ["called"], [1, 2], ["called"]),
    (one, [], [None]),
    (one, [1], [1]),
    (one, [1, 2], [1]),
    (two, [1], [1, None]),
    (two, [1, 2], [1, 2]),
    (with_default, [], [None, "default"]),
    (with_default, [1], [1, "default"]),
    (with_default, [1, 2, 3], [1, 2]),
    (rest, [], [None]),
    (rest, [1, 2, 3], [1, 2, 3]),
    (Thing().method, [1, 2], [1]),
    (lambda *all: list(all), [], []),
]


@pytest.mark.parametrize(("function", "args", "got"), ARITIES)
def test_a_listener_takes_as_many_arguments_as_it_has_parameters(
    function: Callable[..., Any], args: list[Any], got: list[Any]
) -> None:
    assert listener(function).call(args, ignore) == got


def test_100_000_arguments_do_a_listener_no_harm() -> None:
    assert listener(two).call([0] * 100_000, ignore) == [0, 0]


def positional(a: Any, ack: Any) -> Any:
    return a, ack


def keyword(a: Any, *, ack: Any) -> Any:
    return a, ack


@pytest.mark.parametrize("function", [positional, keyword])
@pytest.mark.parametrize("args", [[], [1], [1, "not an ack"]])
def test_a_parameter_named_ack_is_given_the_acknowledgement_and_no_argument(
    function: Callable[..., Any], args: list[Any]
) -> None:
    assert listener(function).call(args, ignore) == ((args or [None])[0], ignore)


def names(listeners: Listeners, event: str = "e") -> list[Any]:
    return [each.function for each in listeners.of(event)]


def test_listeners_are_called_in_the_order_they_were_added() -> None:
    listeners = Listeners()
    listeners.add("e", one)
    listeners.add("e", two)
    assert names(listeners) == [one, two]
    assert names(listeners, "other") == []


def test_a_listener_added_twice_is_called_twice() -> None:
    listeners = Listeners()
    listeners.add("e", one)
    listeners.add("e", one)
    assert names(listeners) == [one, one]


def test_a_listener_for_once_is_given_once() -> None:
    listeners = Listeners()
    listeners.add("e", one, once=True)
    listeners.add("e", two)
    assert names(listeners) == [one, two]
    assert names(listeners) == [two]


def test_a_function_that_listens_always_and_once_goes_on_listening() -> None:
    listeners = Listeners()
    listeners.add("e", one)
    listeners.add("e", one, once=True)
    assert names(listeners) == [one, one]
    assert names(listeners) == [one]


def test_listeners_can_be_removed_one_by_one_by_event_or_all() -> None:
    listeners = Listeners()
    for function in (one, two, rest):
        listeners.add("e", function)
        listeners.add("f", function)
    listeners.remove("e", two)
    assert names(listeners) == [one, rest]
    listeners.remove("e")
    assert names(listeners) == []
    assert names(listeners, "f") == [one, two, rest]
    listeners.remove()
    assert not listeners


def test_the_last_listener_leaves_nothing_behind() -> None:
    listeners = Listeners()
    listeners.add("e", one)
    assert listeners
    listeners.remove("e", one)
    assert not listeners


@pytest.mark.parametrize("function", [None, one])
def test_removing_what_was_never_there_does_no_harm(function: Callable[..., Any] | None) -> None:
    listeners = Listeners()
    listeners.remove("e", function)
    assert not listeners
