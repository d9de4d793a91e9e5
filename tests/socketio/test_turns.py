"""Long messages that take more than a turn: of all transports together, one is handled in each turn."""

from __future__ import annotations

from itertools import pairwise

from tests.support.clocks import BusyClock
from tests.support.engines import body
from tests.support.library import Library, PollingClient, SocketClient
from tests.support.websockets import TEXT, client_frame
from yekta.rests import LONG, TURN
from yekta.socketio.socket import Socket

LONG_ONE = '42["work","%s"]' % ("x" * LONG)


def test_one_is_handled_in_each_turn_whichever_way_they_come() -> None:
    clock, handled = BusyClock(0.0), list[str]()
    library = Library(clock)
    assert library.site.rests is library.server.rests

    @library.server.on_connection
    def connected(socket: Socket) -> None:
        @socket.on("work")
        def work(words: str) -> None:
            handled.append(socket.id)
            clock.rightNow += 2 * TURN

    clients = [library.joined(kind) for kind in ("polling", "websocket") * 2]
    posts, counts = [], [0]
    for client in clients:
        if isinstance(client, PollingClient):
            posts.append(client.request("POST", LONG_ONE.encode()))
        else:
            assert isinstance(client, SocketClient)
            # No piece of the network's is longer.
            frame = client_frame(TEXT, LONG_ONE.encode())
            client.websocket.send(frame[:LONG])
            client.websocket.send(frame[LONG:])
    counts.append(len(handled))
    while len(handled) < len(clients) and len(counts) < 20:
        clock.advance(0)
        counts.append(len(handled))
    assert max(later - earlier for earlier, later in pairwise(counts)) == 1, counts
    assert len(set(handled)) == len(clients)
    assert [body(post) for post in posts] == ["ok"] * 2
    library.end()
