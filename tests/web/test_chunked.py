"""Bodies in chunks: read as Twisted reads them, and a turn at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import cycle, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.web.http import _ChunkedTransferDecoder, _MalformedChunkedDataError

from tests.support.clocks import BusyClock
from tests.support.memory import HttpClient, compose
from tests.web.conftest import BothWays
from yekta.rests import TURN
from yekta.web.chunked import MAX_TRAILERS, PIECE, Chunked
from yekta.web.site import Limits, Site

MANY = 10_000
HEAD = compose("POST", "/", {"Transfer-Encoding": "chunked"})
TINY, LAST = b"1\r\nx\r\n", b"0\r\n\r\n"

# -- the decoder -------------------------------------------------------------------------------------------------

chunks = st.binary(min_size=1, max_size=3 * PIECE).map(lambda data: b"%x;a=b\r\n%s\r\n" % (len(data), data))
lasts = st.sampled_from([LAST, b"0\r\nA: b\r\n\r\n", b"0\r\n", b"x\r\n"])


Seen = tuple[bytes, bytes | None, bool]


def read(pieces: list[bytes], make: Callable[..., _ChunkedTransferDecoder]) -> Seen:
    """What a decoder makes of ``pieces``: the body, what comes after it, whether anything is wrong."""
    body: list[bytes] = []
    after: list[bytes] = []
    decoder = make(body.append, after.append)
    for piece in [*pieces, *[b""] * 200]:
        if after:
            after.append(piece)
            continue
        try:
            decoder.dataReceived(piece)
        except _MalformedChunkedDataError:
            return b"".join(body), None, True
        if after and isinstance(decoder, Chunked):
            after.append(decoder.take_rest())
    return b"".join(body), b"".join(after) if after else None, False


@given(
    st.lists(chunks, max_size=5),
    lasts,
    st.binary(max_size=MAX_TRAILERS - 100),
    st.lists(st.integers(0), max_size=5),
    st.data(),
)
def test_whatever_comes_is_read_as_twisted_reads_it(
    parts: list[bytes], last: bytes, more: bytes, cuts: list[int], data: st.DataObject
) -> None:
    stream = b"".join([*parts, last, more])
    edges = sorted({0, *(cut % (len(stream) + 1) for cut in cuts), len(stream)})
    pieces = [stream[start:end] for start, end in pairwise(edges)]
    due = cycle([False, *data.draw(st.lists(st.booleans(), max_size=9))])
    sliced = read(pieces, lambda *told: Chunked(*told, lambda: next(due)))
    assert sliced == read(pieces, _ChunkedTransferDecoder)


def test_it_stops_where_the_turn_is_over() -> None:
    body: list[bytes] = []
    due = [False, False, True, False, False, True]
    decoder = Chunked(body.append, body.append, lambda: due.pop(0))
    decoder.dataReceived(TINY * MANY)
    first = len(body)
    decoder.dataReceived(b"")
    assert [first, len(body)] == [round(2 * PIECE / len(TINY)), round(4 * PIECE / len(TINY))]


@pytest.mark.parametrize(("size", "fits"), [(MAX_TRAILERS, True), (MAX_TRAILERS + 3, False)])
def test_the_fields_after_a_body_are_bounded(size: int, fits: bool) -> None:
    stream = b"0\r\n" + b"x\r\n" * (size // 3) + b"\r\n"
    assert read([stream], lambda *told: Chunked(*told, lambda: False)) == (b"", b"" if fits else None, not fits)


# -- the connection ----------------------------------------------------------------------------------------------


@pytest.fixture
def busy() -> BusyClock:
    """Each time it is asked, a third of a turn is over."""
    return BusyClock(TURN / 3)


@pytest.fixture
def both() -> BothWays:
    return BothWays()


@pytest.fixture
def site(busy: BusyClock, both: BothWays) -> Iterator[Site]:
    site = Site(busy, both, Limits(max_body=MANY))
    yield site
    assert site.census.all == 0
    assert not site.rests._resting


def turns(busy: BusyClock, site: Site) -> int:
    """Let everybody rest and go on until all is done; how many turns of the reactor it took."""
    taken = 0
    while site.rests._resting:
        busy.advance(0)
        taken += 1
    return taken


def test_others_have_their_turn_meanwhile(site: Site, busy: BusyClock, both: BothWays) -> None:
    flooding, other = HttpClient(site, busy), HttpClient(site, busy)
    flooding.send(HEAD + TINY * MANY + LAST + compose("GET", "/next") * 200)
    assert both.asked == []
    assert not flooding.transport.reading
    other.send(compose("GET", "/other"))
    assert [asked.path for asked in both.asked] == ["/other"]
    assert turns(busy, site) > 3
    assert flooding.next_answer().body == b"x" * MANY
    for _ in range(200):
        busy.advance(0)
    assert [asked.path for asked in both.asked] == ["/other", "/", *["/next"] * 200]
    assert flooding.transport.reading
    for client in (flooding, other):
        client.hang_up()


def test_what_comes_meanwhile_is_read_after_it(site: Site, busy: BusyClock, both: BothWays) -> None:
    client = HttpClient(site, busy)
    client.send(HEAD + TINY * (MANY - 100))
    client.transport.congest()
    client.transport.relieve()
    assert not client.transport.reading
    # A transport may have read it already, of TLS in many pieces: none has a turn of its own.
    for piece in (b"64\r\n", *[b"y"] * 100, b"\r\n", LAST):
        client.transport.protocol.dataReceived(piece)
    assert both.asked == []
    turns(busy, site)
    assert client.next_answer().body == b"x" * (MANY - 100) + b"y" * 100
    client.hang_up()


def test_what_comes_along_with_the_end_of_a_body_is_the_next_request(clock: Clock, both: BothWays) -> None:
    site = Site(clock, both, Limits())
    client = HttpClient(site, clock)
    client.send(HEAD + TINY + LAST + compose("GET", "/next") * 200)
    for _ in range(200):
        clock.advance(0)
    assert [asked.path for asked in both.asked] == ["/", *["/next"] * 200]
    client.hang_up()
    assert site.census.all == 0


def test_a_body_over_the_limit_is_refused_in_its_turn(site: Site, busy: BusyClock, both: BothWays) -> None:
    client = HttpClient(site, busy)
    client.send(HEAD + TINY * (MANY + 1) * 2)
    turns(busy, site)
    answer = client.next_answer()
    assert (answer.status, both.asked, client.transport.reading) == (413, [], True)
    client.hang_up()


def test_a_body_that_goes_wrong_is_refused_in_its_turn(site: Site, busy: BusyClock, both: BothWays) -> None:
    client = HttpClient(site, busy)
    client.send(HEAD + TINY * 5_000 + b"x\r\n" + TINY * 1_000)
    turns(busy, site)
    assert client.unread() == b"HTTP/1.1 400 Bad Request\r\n\r\n"
    assert client.transport.lost
    assert both.asked == []


def test_who_is_lost_while_it_rests_is_forgotten(site: Site, busy: BusyClock, both: BothWays) -> None:
    client = HttpClient(site, busy)
    client.send(HEAD + TINY * MANY + LAST)
    client.hang_up()
    assert turns(busy, site) == 2
    assert both.asked == []
