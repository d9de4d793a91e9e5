"""Which reply an event gets at the Socket.IO door; tokens and payloads are told through real connections elsewhere."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.application import Application
from tests.support.peers import FakePeer
from yekta.app.budget import Rate
from yekta.edge.socketio import ALIASES, AcknowledgedReply
from yekta.websocket.limits import SLOW_CONSUMER, Limits


def test_a_reply_goes_out_as_event_first_and_answers_the_acknowledgement() -> None:
    peer = FakePeer()
    acknowledged: list[Any] = []

    def ack(data: Any) -> None:
        assert peer.emitted
        acknowledged.append(data)

    AcknowledgedReply(peer, ack)("pong", {"timestamp": 1})
    assert (peer.emitted, acknowledged) == ([("pong", {"timestamp": 1})], [{"timestamp": 1}])


def test_the_paths_of_the_old_guide_are_the_same_namespace() -> None:
    assert {ALIASES[path] for path in ("/socket.io", "/socket.io/", "/ws")} == {"/"}


def test_nothing_of_auth_is_kept_once_its_client_is_in(application: Application) -> None:
    token, _ = application.acquire()
    client = application.socketio(token=token, recover=1, more=[[], []])
    (socket,) = application.server.sockets.sockets.values()
    assert not socket.auth
    assert socket.pid is not None, "what was asked for counts all the same"
    client.leave()
    application.socketio(token=token, pid=socket.pid)
    (back,) = application.server.sockets.sockets.values()
    assert back.recovered
    assert not back.auth


def test_a_stranger_takes_nobody_s_connection_over(application: Application) -> None:
    client = application.socketio(recover=1, more=[[], []])
    (socket,) = application.server.sockets.sockets.values()
    assert socket.pid is not None
    application.socketio(token="x" * 43, pid=socket.pid)
    assert [*application.server.sockets.sockets.values()] == [socket]
    assert b"pong" in client.say('42["ping"]')


def test_who_does_not_read_leaves_for_that_reason_as_a_native_client(application: Application) -> None:
    transport, (opening, joining, _) = application.visitor("socketio")
    for chunk in (opening, joining):
        transport.receive(chunk)
        application.clock.advance(0)
    transport.congest()
    application.hub.emit("session:" + application.hub.peers[0].session.id, "news", "x" * (Limits().max_queued + 1))
    application.clock.advance(0)
    assert application.hub.departures == {("socketio", SLOW_CONSUMER): 1}


@pytest.mark.parametrize("again", ["", "/ws,"])
def test_who_joins_again_or_elsewhere_may_send_no_more_events(application: Application, again: str) -> None:
    application.dispatcher.limit(Rate(1, burst=2))
    token, _ = application.acquire()
    client, other = application.socketio(token=token), application.socketio(token=token)
    for limited in (False, False, True):
        assert (b"rate_limited" in client.say('42["ping"]')) is limited
    if not again:
        client.say("41")
    assert b'["connected"' in client.say(f'40{again}{{"token":"{token}"}}')
    assert b"rate_limited" in client.say(f'42{again}["ping"]')
    assert b"pong" in other.say('42["ping"]')
