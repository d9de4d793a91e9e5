"""A house for each test, which must be empty afterwards, and the failures that were logged meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.failures import logged
from tests.support.guests import Guest
from tests.support.library import Library, Start
from tests.support.several import Several
from tests.support.socketio import Browser, House
from yekta.socketio.socket import Socket

__all__ = ["logged"]


@pytest.fixture
def make_house() -> Iterator[Callable[..., House]]:
    """Makes houses with settings of their own."""
    houses: list[House] = []

    def make(**settings: object) -> House:
        houses.append(House(**settings))  # type: ignore[arg-type]
        return houses[-1]

    yield make
    for house in houses:
        house.close()


@pytest.fixture
def house(make_house: Callable[..., House]) -> House:
    return make_house()


@pytest.fixture
def browser(house: House) -> Browser:
    return house.browser({"user-agent": "test", "origin": "https://app.example"}, token="t")


@pytest.fixture
def socket(browser: Browser) -> Socket:
    return browser.connect(auth={"token": "a", "more": [1]})


@pytest.fixture
def several() -> Iterator[Several]:
    """Three servers of one cluster."""
    several = Several("abc")
    yield several
    several.close()


@pytest.fixture
def guests(several: Several) -> list[Guest]:
    """A client at each of them, in the room ``r``."""
    return [Guest(several, name, "r") for name in "abc"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Makes libraries with options of their own."""
    libraries: list[Library] = []

    def start(**options: Any) -> Library:
        libraries.append(Library(**options))
        return libraries[-1]

    yield start
    for library in libraries:
        library.end()
