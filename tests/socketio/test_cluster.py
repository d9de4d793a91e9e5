"""Several servers as one: what is done at one is done at all."""

from __future__ import annotations

import re

import pytest
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from tests.socketio.adapter_suite import AdapterSuite, outcome
from tests.socketio.people import Person
from tests.support.guests import Guest
from tests.support.several import Several, back, lost
from tests.support.wires import MemoryWire, Wires
from yekta import msgpack
from yekta.socketio import cluster_words as words
from yekta.socketio.adapter import Adapter, AdapterContext
from yekta.socketio.cluster import Cluster
from yekta.socketio.cluster_words import Word
from yekta.socketio.message import Message


class Silent(MemoryWire):
    def publish(self, word: Word) -> None:
        raise AssertionError("somebody is told")


class TestAlone(AdapterSuite):
    @pytest.fixture
    def adapter(self, clock: Clock, observed: list[tuple[str, ...]]) -> Adapter:
        return Cluster(Silent("a", Wires())).adapter(AdapterContext(clock, [lambda *args: observed.append(args)]))


class Deaf(Person):
    def deliver(self, message: Message) -> None:
        raise RuntimeError


def test_a_broadcast_reaches_the_clients_of_all_once(several: Several, guests: list[Guest]) -> None:
    several["a"].server.to("r").emit("news", {"n": 1})
    assert [guest.told() for guest in guests] == [['2["news",{"n":1}]'], [], []]
    several.settle()
    assert [guest.told() for guest in guests] == [[], ['2["news",{"n":1}]'], ['2["news",{"n":1}]']]


def test_a_broadcast_may_have_attachments(several: Several, guests: list[Guest]) -> None:
    several["a"].server.emit("news", b"\x01")
    several.settle()
    assert guests[2].told() == ['51-["news",{"_placeholder":true,"num":0}]', b"\x01"]


def test_the_name_of_an_event_may_be_a_number_as_in_node(several: Several, guests: list[Guest]) -> None:
    page = lost(several)
    several["a"].server.emit(7, "x")  # type: ignore[arg-type]
    several.settle()
    assert [guest.told() for guest in guests] == [['2[7,"x"]']] * 3
    assert back(several, page).told == [["hello"], [7, "x"]]
    assert set(several.clusters["b"].others) == {"a", "c"}


def test_who_is_excluded_anywhere_is_not_told(several: Several, guests: list[Guest]) -> None:
    guests[1].socket.join("quiet")
    several["a"].server.to("r").except_("quiet").emit("news")
    several.settle()
    assert [bool(guest.told()) for guest in guests] == [True, False, True]


def test_a_sender_is_no_more_told_elsewhere_than_here(several: Several, guests: list[Guest]) -> None:
    guests[0].socket.to("r").emit("news")
    several.settle()
    assert [bool(guest.told()) for guest in guests] == [False, True, True]


def test_what_is_local_stays(several: Several, guests: list[Guest]) -> None:
    local = several["a"].server.local
    local.emit("news")
    local.sockets_join("x")
    local.sockets_leave("r")
    local.disconnect_sockets()
    asked = local.timeout(1).emit_with_ack("q")
    found = local.fetch_sockets()
    assert not any(several.wires.lines.values())
    assert (outcome(asked), outcome(found)) == ([], [])


@pytest.mark.parametrize("flag", ["volatile", "uncompressed"])
def test_how_it_is_to_be_treated_is_told_too(several: Several, guests: list[Guest], flag: str) -> None:
    for guest in guests:
        guest.browser.transport.flowing = False
    io = several["a"].server.sockets
    (io.volatile if flag == "volatile" else io.compress(False)).emit("news")
    several.settle()
    prepared = [guest.browser.transport.prepared for guest in guests]
    if flag == "volatile":
        assert prepared == [[], [], []]
    else:
        assert [[each.compress for each in some] for some in prepared] == [[False]] * 3


def test_what_cannot_be_said_to_all_is_said_to_nobody(several: Several, guests: list[Guest]) -> None:
    io = several["a"].server
    # What JSON says of them, which it is asked for first, where it cannot say them either.
    why = {"Type is not JSON serializable: object": object(), "Integer exceeds 64-bit range": 1 << 70}
    why |= {"Dict key must be str": dict.fromkeys(range(16)), "": [[]] * msgpack.MAX_CONTAINERS}
    for text, unsayable in why.items():
        with pytest.raises(msgpack.NotMsgpack):
            io.emit("news", unsayable)
        with pytest.raises(ValueError, match=f"^{text}$"):
            io.timeout(1).emit_with_ack("q", unsayable)
        with pytest.raises(msgpack.NotMsgpack):
            io.server_side_emit_with_ack("e", unsayable)
    io.emit("then")
    several.settle()
    assert [guest.told()[-1] for guest in guests] == ['2["then"]'] * 3


def test_rooms_are_joined_and_left_everywhere(several: Several, guests: list[Guest]) -> None:
    io = several["b"].server
    io.to("r").sockets_join("x", "y")
    several.settle()
    assert all({"x", "y"} <= guest.socket.rooms for guest in guests)
    io.to("y").sockets_leave("x")
    several.settle()
    assert not any("x" in guest.socket.rooms for guest in guests)


@pytest.mark.parametrize("close", [False, True])
def test_sockets_are_disconnected_everywhere(several: Several, guests: list[Guest], close: bool) -> None:
    several["c"].server.to("r").disconnect_sockets(close)
    several.settle()
    assert [guest.socket.connected for guest in guests] == [False] * 3
    assert [guest.browser.open for guest in guests] == [not close] * 3


def test_what_arrives_twice_is_told_once(several: Several, guests: list[Guest]) -> None:
    several["a"].server.emit("news")
    line = several.wires.lines["a", "b"]
    line.append(line[0])
    several.settle()
    assert guests[1].told() == ['2["news"]']


def test_one_that_only_says_something_is_asked_nothing(several: Several, guests: list[Guest]) -> None:
    end = several.wires.ends["a"]
    several.wires.cut("a", "b")
    several.wires.join("a", "b")
    several.wires.lines["b", "a"].clear()
    several.wires.ends["b"].send("a", Word(words.HELLO, data={"seq": 0, "mute": True}))
    several.settle()
    assert several.clusters["a"].others == ("c",)
    done = several["a"].server.fetch_sockets()
    several["b"].server.emit("news")
    several.settle()
    assert {each.id for each in outcome(done)} == {guests[0].socket.id, guests[2].socket.id}
    assert guests[0].told() == ['2["news"]']
    several.wires.cut("a", "c")
    assert outcome(several["a"].server.server_side_emit_with_ack("e")) == []
    assert not several.wires.lines["a", "b"]
    # What is said to all is said to it as well.
    end.publish(Word(words.EMIT, "/", {"packet": ["e"]}))
    assert several.wires.lines["a", "b"]


def test_one_that_only_said_something_may_come_again_and_be_asked(several: Several) -> None:
    several.wires.ends["b"].send("a", Word(words.HELLO, data={"seq": 0, "mute": True}))
    several.settle()
    assert several.clusters["a"].others == ("c",)
    several.wires.cut("a", "b")
    several.wires.join("a", "b")
    several.settle()
    assert sorted(several.clusters["a"].others) == ["b", "c"]


def test_who_waits_for_what_was_said_is_told_how_far_it_was_heard(several: Several) -> None:
    cluster, heard = several.clusters["a"], []

    def look() -> bool:
        heard.append(cluster.progress.now().of("b"))
        return heard[-1] == 7

    cluster.progress.wait(look)
    for number in (5, 5, 7, 9):
        cluster.reached("b", number)
    assert heard == [0, 5, 7]


# -- who is there --------------------------------------------------------------------------------------------


def test_one_that_comes_later_is_one_of_them(several: Several, guests: list[Guest]) -> None:
    several.begin("d")
    several.settle()
    late = Guest(several, "d", "r")
    several["a"].server.emit("news")
    several["d"].server.emit("more")
    several.settle()
    assert late.told() == ['2["more"]', '2["news"]']
    assert sorted(several.clusters["a"].others) == ["b", "c", "d"]


def test_one_that_was_not_seen_for_a_while_is_asked_how_far_it_is(several: Several, guests: list[Guest]) -> None:
    several["b"].server.emit("news")
    several.settle()
    for told in several.wires.ends["a"].hearer.went, several.wires.ends["a"].hearer.came:
        told("b")
    several.settle()
    assert several.clusters["a"].others == ("c", "b")
    several["b"].server.emit("more")
    several.settle()
    assert guests[0].told() == ['2["news"]', '2["more"]']


def test_a_namespace_that_is_no_more_hears_nothing(several: Several) -> None:
    several["b"].server.of(re.compile("/d"))
    socket = several["b"].browser().connect("/d")
    socket.namespace.on_server_side("e")(lambda: 1)
    socket.disconnect()
    done = several["a"].of("/d").server_side_emit_with_ack("e")
    several.settle()
    assert outcome(done) == []


def test_what_had_no_effect_is_logged_and_ends_nothing(several: Several, logged: list[Failure]) -> None:
    deaf = Deaf("deaf")
    adapter = several["b"].server.sockets.adapter
    adapter.add(deaf, ["r"])
    several["a"].server.to("r").emit("news")
    several.settle()
    assert [each.type for each in logged] == [RuntimeError]
    logged.clear()
    adapter.remove_all(deaf)
    guest = Guest(several, "b", "r")
    several["a"].server.to("r").emit("then")
    several.settle()
    assert guest.told() == ['2["then"]']
