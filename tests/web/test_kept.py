"""Files that are kept in memory: whole, piece by piece, and not for ever to a client that does not read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.internet.task import Clock
from twisted.web import http
from twisted.web.resource import Resource

from tests.support.memory import HttpClient
from yekta.web.kept import PIECE, KeptFile
from yekta.web.site import ABORT, Limits, Site

CONTENT = bytes(range(256)) * (PIECE // 100)
# Shorter than the time for a connection that is over.
TIMEOUT = 10.0


class Root(Resource):
    """One file, whatever is asked for."""

    isLeaf = True

    def __init__(self, file: KeptFile) -> None:
        super().__init__()
        self._file = file

    def render(self, request: http.Request) -> bytes | int:
        return self._file.render(request)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "app.js"
    path.write_bytes(CONTENT)
    os.utime(path, (1e9, 1e9))
    return path


@pytest.fixture
def client(clock: Clock, path: Path) -> Iterator[HttpClient]:
    site = Site(clock, Root(KeptFile(path)), Limits(request_timeout=TIMEOUT))
    client = HttpClient(site, clock)
    yield client
    client.hang_up()
    assert site.census.all == 0


def test_a_file_is_sent_whole_whatever_ranges_are_asked_for(client: HttpClient) -> None:
    for headers in ({}, {"Range": "bytes=0-9"}, {"Range": "bytes=" + ",".join(["0-"] * 4000)}):
        answer = client.ask("GET", "/", headers)
        assert (answer.status, answer.body) == (200, CONTENT)
        assert "javascript" in answer.headers["content-type"]
        assert "accept-ranges" not in answer.headers


def test_who_asks_for_the_head_gets_no_body(client: HttpClient) -> None:
    client.request("HEAD", "/")
    head, _, body = client.unread().partition(b"\r\n\r\n")
    assert b"Content-Length: %d" % len(CONTENT) in head
    assert body == b""


def test_who_has_it_already_is_told_so(client: HttpClient) -> None:
    assert client.ask("GET", "/").headers["last-modified"] == "Sun, 09 Sep 2001 01:46:40 GMT"
    answer = client.ask("GET", "/", {"If-Modified-Since": "Sun, 09 Sep 2001 01:46:40 GMT"})
    assert (answer.status, answer.body) == (304, b"")
    assert client.ask("GET", "/", {"If-Modified-Since": "Sun, 09 Sep 2001 01:46:39 GMT"}).status == 200


def test_it_is_what_it_was_when_somebody_first_asked_though_the_file_is_gone(client: HttpClient, path: Path) -> None:
    path.write_bytes(b"new")
    assert client.ask("GET", "/").body == b"new"
    path.unlink()
    assert client.ask("GET", "/").body == b"new"


def test_one_that_was_gone_before_anybody_asked_is_not_found_as_long_as_it_is(client: HttpClient, path: Path) -> None:
    path.unlink()
    for _ in range(2):
        answer = client.ask("GET", "/")
        assert (answer.status, answer.body) == (404, b"")
    path.write_bytes(CONTENT)
    assert client.ask("GET", "/").body == CONTENT


def test_a_client_that_does_not_read_holds_one_piece_and_is_cut(client: HttpClient, clock: Clock) -> None:
    client.transport.full = True
    client.request("GET", "/")
    assert sum(map(len, client.transport.writes)) < 2 * PIECE
    clock.advance(TIMEOUT)
    assert not client.transport.aborted
    clock.advance(ABORT)
    assert client.transport.aborted


def test_a_client_that_reads_slowly_is_not_cut(client: HttpClient, clock: Clock) -> None:
    client.transport.full = True
    client.request("GET", "/")
    for _ in range(len(CONTENT) // PIECE):
        clock.advance(TIMEOUT - 1)
        client.transport.relieve()
    clock.advance(TIMEOUT - 1)
    assert client.next_answer().body == CONTENT
    assert not client.transport.disconnecting
    client.transport.full = False
    client.transport.relieve()
    assert client.ask("GET", "/").body == CONTENT


def test_a_client_that_says_no_more_is_sent_the_rest_and_no_more(client: HttpClient, clock: Clock) -> None:
    client.transport.full = True
    client.request("GET", "/")
    client.transport.half_close()
    for _ in range(len(CONTENT) // PIECE):
        assert not client.transport.disconnecting
        client.transport.relieve()
    assert client.next_answer().body == CONTENT
    client.transport.relieve()
    assert client.transport.lost


def test_a_client_that_goes_in_the_middle_leaves_nothing(client: HttpClient, clock: Clock) -> None:
    client.transport.full = True
    client.request("GET", "/")
    client.hang_up()
    assert clock.getDelayedCalls() == []


@pytest.mark.parametrize("reads", [True, False])
def test_the_rest_of_a_last_answer_waits_for_the_client_no_longer(
    client: HttpClient, clock: Clock, reads: bool
) -> None:
    client.transport.congested = True
    client.request("GET", "/", {"Connection": "close"})
    assert client.transport.disconnecting
    clock.advance(TIMEOUT)
    if reads:
        client.transport.relieve()
        assert client.answer() is not None
    clock.advance(ABORT)
    assert client.transport.aborted is not reads
