"""Packets in, packets out: what Node's server does with each, and what hostile clients send."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, Deferred

from tests.support.socketio import Browser, House, MakeHouse
from yekta.engineio.packet import Packet
from yekta.socketio.packet import RESERVED
from yekta.socketio.socket import Socket


@pytest.fixture
def browser(house: House) -> Browser:
    house.of("/admin")
    return house.browser()


# -- socket.io 4.8: what is answered -----------------------------------------------------------------------------


def test_connect_is_answered_with_an_id_of_the_namespaces_own(browser: Browser) -> None:
    browser.say("0")
    (answer,) = browser.heard()
    found = re.fullmatch(r'0\{"sid":"([\w-]{20})"\}', str(answer))
    assert found is not None
    assert found[1] != browser.connection.sid


def test_an_unknown_namespace_is_refused_and_the_connection_stays(browser: Browser) -> None:
    browser.say("0/nope,")
    assert browser.heard() == ['4/nope,{"message":"Invalid namespace"}']
    browser.say("0/nope")
    assert browser.heard() == ['4/nope,{"message":"Invalid namespace"}']
    assert browser.connect().connected


def test_names_of_python_are_no_namespaces(browser: Browser) -> None:
    for name in ("/__proto__", "/constructor", "/__class__", "//", "/*"):
        browser.say(f"0{name},")
        assert browser.heard() == [f'4{name},{{"message":"Invalid namespace"}}']


@pytest.mark.parametrize("message", ["2", "27", "2/admin,", "2/admin,7"])
def test_an_event_without_a_payload_is_ignored(browser: Browser, message: str) -> None:
    called: list[str] = []
    for namespace in ("/", "/admin"):
        browser.connect(namespace).on_any(called.append)
    browser.say(message)
    assert browser.open
    assert (browser.heard(), called) == ([], [])


@pytest.mark.parametrize(
    "message", ["30[]", "399[1,2]", "39007199254740992[]", "3[1]", '61-5[{"_placeholder":true,"num":0}]']
)
def test_an_unknown_acknowledgement_is_ignored(browser: Browser, message: str) -> None:
    browser.connect()
    browser.say(message, *([b"x"] if message.startswith("6") else []))
    assert browser.open
    assert browser.heard() == []


@pytest.mark.parametrize("name", ["ping", "pong", "error", "message", "open", "close", "data", "ack"])
def test_other_libraries_names_are_events_like_any(browser: Browser, name: str) -> None:
    browser.connect().on(name)(lambda: name)
    browser.say(f'21["{name}"]')
    assert browser.heard() == [f'31["{name}"]']


def test_a_clients_disconnect_leaves_that_namespace_only(browser: Browser) -> None:
    root, admin = browser.connect(), browser.connect("/admin")
    browser.say("1/admin,")
    assert (root.connected, admin.connected, browser.open) == (True, False, True)
    browser.say("1")
    assert browser.open
    assert browser.connect("/admin").id != admin.id


# -- socket.io 4.8: what closes the connection ---------------------------------------------------------------------

BEFORE: dict[str, list[Packet]] = {
    "an event before CONNECT": ['2["e"]'],
    "an acknowledgement before CONNECT": ["31[]"],
    "DISCONNECT before CONNECT": ["1"],
    "an event before the namespace is joined": ['2/admin,["e"]'],
    "an event for a namespace that is unknown": ['2/nope,["e"]'],
    "CONNECT whose data is no object": ['0"token"'],
    "CONNECT whose data is a list": ['0["token"]'],
    "bytes before CONNECT": [b"\0"],
    "an event with attachments before CONNECT": ['51-["e",{"_placeholder":true,"num":0}]', b"x"],
    "the head of an event with attachments before CONNECT": ['51-["e",{"_placeholder":true,"num":0}]'],
    "nothing": [""],
}

AFTER: dict[str, list[Packet]] = {
    "CONNECT twice": ["0"],
    "CONNECT_ERROR from a client": ['4{"message":"no"}'],
    "bad JSON": ['2["e"'],
    "more than ten attachments": ['511-["e"]'],
    "no attachments": ['50-["e"]'],
    "an unexpected attachment": [b"x"],
    "text while attachments are pending": ['51-["e",{"_placeholder":true,"num":0}]', '2["e"]'],
    "one attachment too many": ['51-["e",{"_placeholder":true,"num":0}]', b"x", b"y"],
    "attachments larger than a message may be": ['52-["e"]', b"x" * 999_999, b"yy"],
    "a placeholder that points nowhere": ['51-["e",{"_placeholder":true,"num":"splice"}]', b"x"],
    "an event without a name": ["2[]"],
    "an event named by an object": ['2[{"toString":"foo"}]'],
    "an event named null": ["2[null]"],
    "an event for a namespace that was not joined": ['2/admin,["e"]'],
    "a type that does not exist": ["9"],
    **{f"the reserved name {name}": [f'2["{name}"]'] for name in sorted(RESERVED)},
}


def assert_closed(browser: Browser, messages: list[Packet]) -> None:
    browser.heard()
    browser.say(*messages)
    assert not browser.open
    assert browser.transport.closed
    assert browser.heard() == []


@pytest.mark.parametrize("messages", BEFORE.values(), ids=BEFORE.keys())
def test_before_connect_the_connection_is_closed_by(browser: Browser, messages: list[Packet]) -> None:
    assert_closed(browser, messages)


@pytest.mark.parametrize("messages", AFTER.values(), ids=AFTER.keys())
def test_the_connection_is_closed_by(browser: Browser, messages: list[Packet]) -> None:
    told: list[str] = []
    socket = browser.connect()
    socket.on("disconnect")(told.append)
    socket.otherwise(lambda event, args, ack: told.append(event))
    assert_closed(browser, messages)
    assert told in (["parse error"], ["e", "parse error"], ["forced server close"])


@pytest.mark.parametrize("pending", [True, False], ids=["attachments are pending", "nothing is pending"])
def test_a_goodbye_by_the_express_road(browser: Browser, pending: bool) -> None:
    told: list[str] = []
    browser.connect().on("disconnect")(told.append)
    if pending:
        browser.say('51-["e",{"_placeholder":true,"num":0}]')
    browser.connection.handler.text_received(b"41")
    assert told == ["parse error" if pending else "client namespace disconnect"]


@pytest.mark.parametrize("kind", ["browser", "poller"])
def test_nobody_joins_who_has_broken_the_protocol_meanwhile(house: House, kind: str) -> None:
    came: list[Socket] = []

    @house.of("/a").use
    async def thinks(socket: Socket) -> None:
        # As one that takes any end of its question for an answer.
        with suppress(CancelledError):
            await Deferred()

    house.of("/a").on_connection(came.append)
    client = getattr(house, kind)()
    client.connect()
    client.say("0/a,", "2[")
    assert (came, client.heard()) == ([], [])
    house.assert_empty()


@pytest.mark.parametrize("message", ['2["e"]', "31[]", "1", "0"])
def test_what_a_client_sends_after_it_was_cut_is_not_heard(browser: Browser, message: str) -> None:
    told: list[str] = []
    browser.connect().on_any(told.append)
    browser.cut()
    browser.say(message)
    assert told == []


# -- attachments ---------------------------------------------------------------------------------------------------


def test_an_event_comes_with_its_attachments(browser: Browser) -> None:
    got: list[object] = []
    browser.connect().on("e")(lambda *args: got.append(args))
    browser.say('52-["e",{"_placeholder":true,"num":1},{"a":[{"_placeholder":true,"num":0}]}]', b"x", b"y")
    assert got == [(b"y", {"a": [b"x"]})]


def test_attachments_may_be_late_for_so_long_and_no_longer(make_house: MakeHouse) -> None:
    house = make_house(packet_timeout=7)
    browser = house.browser()
    browser.connect()
    browser.say('52-["e",{"_placeholder":true,"num":0}]')
    house.clock.advance(4)
    # An attachment in time does not begin the wait anew.
    browser.say(b"x")
    house.clock.advance(2.9)
    assert browser.open
    house.clock.advance(0.2)
    assert not browser.open


def test_a_finished_packet_is_waited_for_no_more(make_house: MakeHouse) -> None:
    house = make_house(packet_timeout=7)
    browser = house.browser()
    browser.connect()
    for _ in range(5):
        browser.say('51-["e",{"_placeholder":true,"num":0}]')
        house.clock.advance(3)
        browser.say(b"x")
    house.clock.advance(9)
    assert browser.open


# -- whatever comes --------------------------------------------------------------------------------------------------

pieces = st.sampled_from(
    ["0", "0/admin,", "1", "1/admin,", '2["e"]', '27["e",1]', '2/admin,3["e"]', "31[]", "3/admin,2[1]", "2", "6",
     '51-["e",{"_placeholder":true,"num":0}]', b"x", b"", '61-2[{"_placeholder":true,"num":0}]', "4{}", "٢", '2["e"']
)  # fmt: skip


@given(st.lists(pieces | st.text(max_size=5) | st.binary(max_size=5), max_size=12))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_sequence_of_messages_raises_or_leaves_anything(messages: list[Packet]) -> None:
    house = House()
    house.of("/admin")
    for namespace in house.namespaces.values():
        namespace.on_connection(lambda socket: socket.on("e")(lambda ack: ack(1)))
        namespace.on_connection(lambda socket: socket.emit_with_ack("q").addErrback(lambda _: None) and None)
    browser, witness = house.browser(), house.browser()
    witness.connect()
    browser.say(*messages)
    witness.heard()
    witness.say('21["e"]')
    assert witness.heard() == ["31[1]"]
    browser.cut()
    witness.cut()
    house.assert_empty()
