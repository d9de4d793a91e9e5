"""TLS in memory: whatever pieces a stream comes in, what is read of it is what Twisted would read, for fewer calls."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from OpenSSL import SSL
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.protocol import Factory
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from tests.support.calls import calls_of
from tests.support.certificates import certify, sign
from tests.support.tls import Echo, Pair, ours, over_pyopenssl, twisteds
from yekta.tls import Records

LENGTHS = st.lists(st.one_of(st.integers(0, 10), st.integers(0, 0xFFFF)), max_size=8)


@given(LENGTHS, st.lists(st.integers(0, 200_000)), st.booleans())
def test_records_are_counted_where_they_end(lengths: list[int], cuts: list[int], bytewise: bool) -> None:
    stream = b"".join(b"\x17\x03\x03" + length.to_bytes(2, "big") + bytes(length) for length in lengths)
    ends, end = [], 0
    for length in lengths:
        end += 5 + length
        ends.append(end)
    borders = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    if bytewise:
        # The headers are what is hard.
        borders = sorted({*borders, *range(min(len(stream), 50))})
    records = Records()
    for start, stop in pairwise(borders):
        assert records.ending_in(stream[start:stop]) == sum(start < end <= stop for end in ends)


EACH = pytest.mark.parametrize("make", [ours, over_pyopenssl, twisteds])
OURS = pytest.mark.parametrize("make", [ours, over_pyopenssl])


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certify(tmp_path_factory.mktemp("tls"), "localhost")


@given(
    st.sampled_from([ours, over_pyopenssl]),
    st.lists(st.integers(1, 40_000), max_size=5),
    st.lists(st.integers(0, 250_000), max_size=20),
    st.booleans(),
)
def test_all_that_was_said_is_heard_whatever_the_pieces(
    pem: Path, make: Any, sizes: list[int], cuts: list[int], leaves: bool
) -> None:
    pair, said = Pair(pem, make), b""
    for number, size in enumerate(sizes):
        message = bytes([number]) * size
        said += message
        pair.client.sendall(message)
    if leaves:
        pair.client.shutdown()
    stream = pair.said()
    borders = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    for start, stop in pairwise(borders):
        pair.give(stream[start:stop])
    assert pair.echo.heard == said
    assert pair.transport.disconnecting is leaves


@EACH
def test_a_client_that_may_not_shake_hands_anew_is_told_so_and_goes_on(pem: Path, make: Any) -> None:
    pair = Pair(pem, make, SSL.TLS1_2_VERSION)
    pair.client.renegotiate()
    with pytest.raises(SSL.WantReadError):
        pair.client.do_handshake()
    pair.give(pair.said())
    pair.clock.advance(0)
    # An alert, encrypted.
    assert pair.transport.value()[:1] == b"\x15"


@EACH
def test_a_broken_record_ends_the_connection(pem: Path, make: Any) -> None:
    pair = Pair(pem, make)
    pair.client.send(b"hello")
    stream = bytearray(pair.said())
    stream[-1] ^= 1
    pair.give(bytes(stream))
    assert pair.transport.disconnecting
    pair.server.connectionLost(Failure(ConnectionDone()))
    assert pair.echo.heard == b""
    assert pair.echo.lost is not None
    assert pair.echo.lost.check(SSL.Error)


@EACH
def test_a_connection_that_breaks_without_a_goodbye_is_told_as_broken(pem: Path, make: Any) -> None:
    pair = Pair(pem, make)
    pair.server.connectionLost(Failure(ConnectionDone()))
    assert pair.echo.lost is not None
    assert pair.echo.lost.type is ConnectionLost


def test_a_client_may_say_goodbye_before_hands_are_shaken(pem: Path) -> None:
    echo, transport = Echo(), StringTransport()
    server: Any = ours(Factory.forProtocol(lambda: echo), pem, Clock()).buildProtocol(transport.getPeer())
    server.makeConnection(transport)
    client = SSL.Connection(SSL.Context(SSL.TLS_METHOD), None)
    client.set_connect_state()
    with pytest.raises(SSL.WantReadError):
        client.do_handshake()
    server.dataReceived(client.bio_read(1 << 16))
    server.dataReceived(b"\x15\x03\x03\x00\x02\x01\x00")
    assert transport.disconnecting
    server.connectionLost(Failure(ConnectionDone()))
    assert echo.lost is not None
    assert echo.lost.type is ConnectionLost


@EACH
def test_whoever_aborts_hears_no_more(pem: Path, make: Any) -> None:
    pair = Pair(pem, make)
    pair.echo.aborts = True
    pair.client.sendall(b"one")
    pair.client.sendall(b"two")
    pair.give(pair.said())
    assert pair.echo.heard == b"one"


@EACH
@pytest.mark.parametrize("version", [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION])
def test_who_says_goodbye_first_hears_the_client_out(pem: Path, make: Any, version: int) -> None:
    """A connection that is closed meanwhile is reset, and the client may never read what it was told."""
    pair = Pair(pem, make, version)
    pair.echo.leaves = True
    for word in (b"one, ", b"two, "):
        pair.client.send(word)
    said = pair.said()
    pair.client.send(b"three")
    begun = pair.said()
    pair.give(said + begun[:9])
    assert pair.take() == b""
    assert pair.client.get_shutdown() == SSL.RECEIVED_SHUTDOWN
    assert not pair.transport.disconnecting
    pair.give(begun[9:])
    assert pair.echo.heard == b"one, two, three"
    pair.client.shutdown()
    pair.give(pair.said())
    assert pair.transport.disconnecting


@pytest.mark.parametrize("version", [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION])
def test_hands_are_shaken_with_a_chain_of_any_length(tmp_path: Path, version: int) -> None:
    chain = certify(tmp_path, "localhost")
    chain.write_text(chain.read_text() + sign([f"{number}.example.org" for number in range(2000)]).pem)
    pair = Pair(chain, ours, version)
    assert len(pair.client.get_peer_cert_chain()) == 2
    pair.client.send(b"hello")
    pair.give(pair.said())
    assert pair.echo.heard == b"hello"


def asked(act: Callable[[], None]) -> dict[str, int]:
    """What OpenSSL is asked for a message and its answer, and how often."""
    calls = calls_of(act)
    return {
        name: calls[f"OpenSSL.SSL.Connection.{name}"] + calls[f"yekta.tls_connection.TlsConnection.{name}"]
        for name in ("bio_write", "recv", "send", "bio_read")
    }


@OURS
def test_openssl_is_asked_for_nothing_that_it_does_not_have(pem: Path, make: Any) -> None:
    pair = Pair(pem, make)
    pair.echo.answers = True
    pair.client.send(b"hello")
    record = pair.said()
    assert asked(lambda: pair.give(record[:9])) == {"bio_write": 1, "recv": 0, "send": 0, "bio_read": 0}
    assert asked(lambda: pair.give(record[9:])) == {"bio_write": 1, "recv": 1, "send": 1, "bio_read": 1}
    assert pair.take() == b"hello"


@OURS
def test_openssl_is_asked_for_nothing_after_a_goodbye(pem: Path, make: Any) -> None:
    pair = Pair(pem, make)
    pair.client.shutdown()
    assert asked(lambda: pair.give(pair.said() * 2))["recv"] == 1


LONG = b"".join(bytes([at % 251]) * 997 for at in range(100))


def test_openssl_is_given_what_it_can_read_at_once_and_little_more(pem: Path) -> None:
    """It never gives up the room that it has had, and there may be many connections."""
    pair, left = Pair(pem, ours), []
    pair.echo.dataReceived = lambda _: left.append(pair.server._tlsConnection._come.pending)  # type: ignore[method-assign]
    pair.client.sendall(LONG)
    pair.give(pair.said())
    assert len(left) == 7
    assert max(left) < 1 << 12


@OURS
def test_openssl_is_given_nothing_after_a_goodbye(pem: Path, make: Any) -> None:
    pair = Pair(pem, make)
    pair.client.shutdown()
    assert asked(lambda: pair.give(pair.said() + LONG))["bio_write"] == 1


@OURS
def test_a_long_message_leaves_at_once(pem: Path, make: Any) -> None:
    pair = Pair(pem, make)
    calls = calls_of(lambda: pair.server.write_now(LONG))
    assert calls["twisted.internet.testing.StringTransport.write"] == 1
    assert pair.take() == LONG


class Failing:
    """A TLS connection that says one record more, and then no other."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._said = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def send(self, data: bytes) -> int:
        if self._said:
            raise SSL.Error([("SSL routines", "", "broken")])
        self._said = True
        said: int = self._connection.send(data)
        return said


@OURS
def test_what_was_said_of_a_long_message_leaves_before_it_fails(pem: Path, make: Any) -> None:
    pair, left = Pair(pem, make), []
    pair.server._tlsConnection = Failing(pair.server._tlsConnection)
    pair.transport.loseConnection = lambda: left.append(pair.transport.value())
    pair.server.write_now(LONG)
    pair.client.bio_write(left[0])
    assert pair.client.recv(1 << 16) == LONG[: 1 << 14]


@OURS
@pytest.mark.parametrize("version", [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION])
def test_a_long_message_that_is_said_while_hands_are_shaken_follows(pem: Path, make: Any, version: int) -> None:
    pair = Pair(pem, make, version, LONG)
    pair.server.write_now(LONG[::-1])
    pair.server.write_now(b"and a short one")
    assert pair.greeting + pair.take() == LONG + LONG[::-1] + b"and a short one"


@OURS
def test_a_long_message_to_who_is_sent_away_or_has_gone_is_none(pem: Path, make: Any) -> None:
    parting, gone = Pair(pem, make), Pair(pem, make)
    parting.server.loseConnection()
    gone.server.connectionLost(Failure(ConnectionDone()))
    for pair in (parting, gone):
        said = pair.transport.value()
        pair.server.write_now(LONG)
        assert pair.transport.value() == said
