from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.error import ConnectionDone, ConnectionLost, ConnectionRefusedError
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.python.failure import Failure

from tests.support.wires import Wires
from yekta.link.lines import LINE, PIECE, Lines
from yekta.socketio import cluster_words as words
from yekta.socketio.cluster import Cluster
from yekta.socketio.cluster_words import Word


class Talker(Protocol):
    """Takes everything down. ``clumsy``: it fails at what it hears."""

    def __init__(self, clumsy: bool = False) -> None:
        self.said = b""
        self.ends: list[type[BaseException]] = []
        self._clumsy = clumsy

    def dataReceived(self, data: bytes) -> None:
        self.said += data
        if self._clumsy:
            raise ZeroDivisionError("secret")

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.ends.append(type(reason.value))


class Server(Factory):
    def __init__(self) -> None:
        self.visitors: list[Talker] = []
        self.full = self.clumsy = False

    def buildProtocol(self, addr: object) -> Talker | None:
        if self.full:
            return None
        self.visitors.append(Talker(self.clumsy))
        return self.visitors[-1]


class Land:
    """``a`` and ``b``, which lets others in, over a wire."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.wires = Wires()
        self.up = True
        self.a = Lines(self.wires.wire("a"), self.clock, lambda: self.up)
        self.b = Lines(self.wires.wire("b"), self.clock, lambda: True)
        self.clusters = [Cluster(self.a), Cluster(self.b)]
        self.server = Server()
        self.b.open(self.server)
        self.settle()

    def settle(self) -> None:
        self.clock.advance(0)
        self.wires.settle()
        self.clock.advance(0)
        self.wires.settle()

    def talk(self) -> tuple[Any, Any]:
        """Both ends of a line that ``a`` has opened."""
        talker = Talker()
        self.a.connect("b", talker)
        talker.transport.write(b"?")  # type: ignore[union-attr]
        self.settle()
        return talker, self.server.visitors[-1]

    @property
    def on_the_way(self) -> list[bytes]:
        return [word for line in self.wires.lines.values() for word in line]


@pytest.fixture
def land() -> Iterator[Land]:
    land = Land()
    yield land
    land.settle()
    assert land.clock.getDelayedCalls() == []
    assert land.a._lines == land.b._lines == {}


def hang_up(*talkers: Any) -> None:
    for talker in talkers:
        talker.transport.loseConnection()


def test_what_is_said_in_one_turn_is_one_word_and_is_heard_in_its_order(land: Land) -> None:
    talker, visitor = land.talk()
    assert (talker.said, visitor.said) == (b"", b"?")
    talker.transport.write(b"a")
    talker.transport.writeSequence([b"b", b"c"])
    visitor.transport.write(b"!")
    land.clock.advance(0)
    assert len(land.on_the_way) == 2
    land.settle()
    assert (talker.said, visitor.said) == (b"!", b"?abc")
    hang_up(talker)


@pytest.mark.parametrize("who", ["asker", "asked", "both"])
def test_who_hangs_up_has_said_everything_before(land: Land, who: str) -> None:
    ends = talker, visitor = land.talk()
    for end in {"asker": ends[:1], "asked": ends[1:], "both": ends}[who]:
        end.transport.write(b"bye")
        hang_up(end)
        end.transport.write(b"nothing after it")
        assert end.ends == []
    land.settle()
    assert (talker.said, visitor.said) == (b"" if who != "asked" else b"bye", b"?" if who != "asker" else b"?bye")
    assert talker.ends == visitor.ends == [ConnectionDone]


def test_what_is_said_to_one_who_has_hung_up_opens_nothing(land: Land) -> None:
    talker, visitor = land.talk()
    hang_up(visitor)
    land.clock.advance(0)
    talker.transport.write(b"too late")
    land.settle()
    assert talker.ends == [ConnectionDone]
    assert land.server.visitors == [visitor]
    assert visitor.said == b"?"


def test_who_aborts_says_and_hears_nothing_more(land: Land) -> None:
    talker, visitor = land.talk()
    visitor.transport.write(b"too late")
    land.clock.advance(0)
    talker.transport.write(b"unsaid")
    talker.transport.abortConnection()
    land.wires.settle()
    assert talker.said == b""
    land.settle()
    assert visitor.said == b"?"
    assert talker.ends == visitor.ends == [ConnectionDone]


def test_what_is_long_is_said_in_pieces(land: Land) -> None:
    talker, visitor = land.talk()
    long = bytes(range(256)) * (2 * PIECE // 256) + b"!"
    talker.transport.write(long)
    hang_up(talker)
    land.clock.advance(0)
    assert [len(word) <= PIECE + 100 for word in land.on_the_way] == [True] * 3
    land.settle()
    assert visitor.said == b"?" + long
    assert talker.ends == visitor.ends == [ConnectionDone]


@pytest.mark.parametrize("closing", [False, True])
def test_what_is_long_may_be_too_much_for_the_wire(
    land: Land, closing: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    talker, visitor = land.talk()
    # It lets everybody go.
    monkeypatch.setattr(land.wires.ends["a"], "send", lambda name, word: land.wires.cut("a", "b"))
    talker.transport.write(bytes(PIECE + 1))
    if closing:
        hang_up(talker)
    with capturedLogs() as logs:
        land.clock.advance(0)
    assert talker.ends == visitor.ends == [ConnectionLost]
    assert logs == []


def test_several_lines_are_kept_apart(land: Land) -> None:
    land.a.open(land.server)
    there, back = [land.talk() for _ in range(2)], Talker()
    land.b.connect("a", back)
    back.transport.write(b"back")  # type: ignore[union-attr]
    land.settle()
    assert [visitor.said for visitor in land.server.visitors] == [b"?", b"?", b"back"]
    there[1][1].transport.write(b"to the second")
    land.settle()
    assert [there[0][0].said, there[1][0].said, back.said] == [b"", b"to the second", b""]
    hang_up(*(end for ends in there for end in ends), back)


@pytest.mark.parametrize("why", ["full", "closed"])
def test_who_is_not_let_in_is_hung_up_on(land: Land, why: str) -> None:
    if why == "full":
        land.server.full = True
    else:
        land.b.close()
    talker = Talker()
    land.a.connect("b", talker)
    talker.transport.write(b"?")  # type: ignore[union-attr]
    land.settle()
    assert talker.ends == [ConnectionDone]
    assert land.server.visitors == []


def test_those_who_are_in_stay_when_nobody_is_let_in_any_more(land: Land) -> None:
    talker, visitor = land.talk()
    land.b.close()
    visitor.transport.write(b"still here")
    land.settle()
    assert talker.said == b"still here"
    hang_up(visitor)


def test_lines_to_one_that_is_gone_are_lost(land: Land) -> None:
    talker, visitor = land.talk()
    talker.transport.write(b"?")
    visitor.transport.loseConnection()
    land.wires.cut("a", "b")
    assert talker.ends == visitor.ends == [ConnectionLost]
    with capturedLogs() as logs:
        land.settle()
    assert logs == []
    assert land.a.names == ()
    assert isinstance(refusal(land.a, "b"), ConnectionRefusedError)


@pytest.mark.parametrize("who", ["asker", "asked"])
def test_lines_to_one_that_has_lost_us_for_a_moment_are_lost_and_new_ones_hold(land: Land, who: str) -> None:
    ends = land.talk()
    # Only one of them was silent for too long in the eyes of the other.
    one, other = (land.a, "b") if who == "asker" else (land.b, "a")
    one.went(other)
    one.came(other)
    land.settle()
    assert [end.ends for end in ends] == [[ConnectionLost], [ConnectionLost]]
    again, visitor = land.talk()
    visitor.transport.write(b"!")
    land.settle()
    assert (again.said, again.ends, visitor.ends) == (b"!", [], [])
    hang_up(again)


def refusal(lines: Lines, name: str) -> BaseException:
    refused: list[Failure] = []
    lines.connect(name, Talker()).addErrback(refused.append)
    [failure] = refused
    return failure.value


def test_nobody_is_there_while_the_wire_is_not_up(land: Land) -> None:
    assert land.a.names == ("b",)
    land.up = False
    assert land.a.names == ()
    assert isinstance(refusal(land.a, "b"), ConnectionRefusedError)
    land.up = True
    assert land.a.names == ("b",)


def test_who_only_says_something_cannot_be_reached(land: Land) -> None:
    land.a.came("*")
    land.a.heard("*", Word(words.HELLO, data={"seq": 0, "mute": True}))
    assert land.a.names == ("b",)


def test_all_else_is_the_clusters(land: Land) -> None:
    cluster = land.clusters[0]
    assert cluster.others == ("b",)
    land.a.reached("b", 7)
    assert cluster.progress.heard("b", 7) is False
    land.wires.cut("a", "b")
    land.a.doubted("b")
    assert (cluster.others, cluster.progress.now().of("b")) == ((), -1)


def test_an_error_in_what_is_heard_ends_that_line_alone(land: Land) -> None:
    other, _ = land.talk()
    land.server.clumsy = True
    with capturedLogs() as logs:
        talker, visitor = land.talk()
    assert [log["log_failure"].type for log in logs] == [ZeroDivisionError]
    assert talker.ends == visitor.ends == [ConnectionDone]
    assert (other.ends, land.wires.ends["a"].left, land.wires.ends["b"].left) == ([], [], [])
    hang_up(other)


GOOD = {"line": 1, "mine": True, "first": True, "last": True, "bytes": b""}


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("value", [None, "1", 1.0, [], {}])
def test_who_says_what_is_no_word_of_a_line_is_left(land: Land, name: str, value: object) -> None:
    land.a.send("b", Word(LINE, data={**GOOD, name: value}))
    land.settle()
    assert land.wires.ends["b"].left == ["a"]
    assert land.server.visitors == []


@pytest.mark.parametrize("said", [{"mine": False}, {"first": False}, {"mine": False, "first": False, "last": False}])
def test_words_on_a_line_that_is_not_there_open_none(land: Land, said: dict[str, bool]) -> None:
    land.a.send("b", Word(LINE, data={**GOOD, **said}))
    land.settle()
    assert land.server.visitors == []
    assert land.wires.ends["b"].left == []
