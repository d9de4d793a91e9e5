"""How much a client may ask for: namespaces, names, auth."""

from __future__ import annotations

import pytest

from tests.support.socketio import Browser, House, MakeHouse


@pytest.fixture
def browser(house: House) -> Browser:
    house.of("/admin")
    return house.browser()


def test_a_client_joins_so_many_namespaces_and_no_more(make_house: MakeHouse) -> None:
    house = make_house(max_namespaces=3)
    for number in range(5):
        house.of(f"/{number}")
    browser = house.browser()
    for number in range(3):
        browser.connect(f"/{number}")
    browser.say("0/3,")
    assert browser.heard() == ['4/3,{"message":"Invalid namespace"}']
    browser.say("1/0,")
    assert browser.connect("/3").connected


def test_a_name_longer_than_the_setting_ends_the_connection(make_house: MakeHouse) -> None:
    house = make_house(max_namespace_length=5)
    browser = house.browser()
    browser.say("0/okay,")
    assert browser.open
    browser.say("0/longer,")
    assert not browser.open


@pytest.mark.parametrize(("length", "joins"), [(16_384, True), (16_385, False)])
@pytest.mark.parametrize("spelling", ["", "/other,"])
def test_a_connect_longer_than_the_setting_is_refused(
    house: House, browser: Browser, spelling: str, length: int, joins: bool
) -> None:
    house.of("/other")
    head, tail = f'0{spelling}{{"token":"', '"}'
    browser.say(head + "x" * (length - len(head + tail)) + tail)
    (answer,) = browser.heard()
    assert isinstance(answer, str)
    if not joins:
        assert answer == f'4{spelling}{{"message":"Too much auth"}}'
        browser.say(f"0{spelling}")
        (answer,) = browser.heard()
        assert isinstance(answer, str)
    assert answer.startswith(f'0{spelling}{{"sid":')
    browser.say(head + "x" * length + tail)
    assert not browser.open


@pytest.mark.parametrize(
    ("auth", "joins"),
    [
        ('"' + "😀" * 16_000 + '"', True),
        ("[" + ",".join(['"administrator"'] * 500) + "]", True),
        ("[" + ",".join(["[]"] * 1_500) + "]", False),
        ("[" + ",".join(["{}"] * 1_500) + "]", False),
    ],
    ids=["characters", "roles", "lists", "objects"],
)
def test_an_auth_that_takes_many_times_its_text_is_refused(browser: Browser, auth: str, joins: bool) -> None:
    browser.say(f'0{{"facts":{auth}}}')
    (answer,) = browser.heard()
    assert str(answer).startswith('0{"sid":' if joins else '4{"message":"Too much auth"}')


def test_a_flood_of_unknown_namespaces_leaves_nothing(house: House, browser: Browser) -> None:
    for number in range(1_000):
        browser.say(f"0/n{number},")
    assert all(str(answer).endswith('{"message":"Invalid namespace"}') for answer in browser.heard())
    browser.connect()
    assert [each.spelling for each in browser.connection.handler.sockets] == ["/"]  # type: ignore[attr-defined]
