"""yekta, the real-time gateway of YektaYar, on Twisted: Socket.IO, native WebSocket and REST behind one dispatcher.

The directories are floors. A module imports its own floor or a lower one (``tests/test_floors.py``)::

    4  services/    THE ROOF: settings, composition, the two services of twistd; the only place with a reactor
       command/     THE ``yekta`` COMMAND: tokens, chat, events and checks from a shell; a client like any other
    3  edge/        THE WAYS IN: rest (Klein, and a short way past it), native WebSocket, Socket.IO, and which is
                    which on each port
       link/        THE OTHER PROCESSES: their AI answers, and ours for them; the wire of rooms on this machine
    2  app/         THE APPLICATION: events, dispatcher, peers, hub, sessions, accounts, counselor; no wire, no HTTP
    1  socketio/    LIBRARY: Socket.IO protocol 5, server side; several servers as one
       redis/       LIBRARY: what makes them one on several machines, over a stream of Redis
       engineio/    LIBRARY: Engine.IO protocol 4, server side
       websocket/   LIBRARY: RFC 6455 on Autobahn, the common case first
       web/         LIBRARY: twisted.web with bounds, a short path before it; facts of a request and its client;
                    Origins; connections that change hands
       ai/          LIBRARY: chat completions as a stream of text
       tcp.py       TCP that tries to send at once; ports.py listens for it
       tls.py       the same over TLS; tls_connection.py: the shorter way to OpenSSL
       timeouts.py  many waits for the price of one timer; alarm.py: one that can be set again
       informing.py  the lines that a log has most of
       seldom.py    what is logged once in a while, however often it happens
       turns.py     what waits for the next turn of the reactor, or for the end of this one
       rests.py     connections that have used their turn up, and go on when all others have had theirs
       waiters.py   several who wait for one thing; timestamps.py: a time as clients read it
       lookups.py   names of hosts, looked up once for all who ask meanwhile
       clocks.py    one that measures how long things take, and one that says what time it is
    0  packet.py, frame.py, sse.py, errors.py and what else is pure inside the libraries
       jsontext.py  the one JSON seam; msgpack.py: the same for its binary sister
       rooms.py     who is in which room, both ways
       taken.py     how much memory values take
       ids.py       ids and tokens that nobody can guess
       lru.py       what was used last, up to a limit
       stale_sockets.py  UNIX sockets of processes that were killed
       bounds.py    numbers of settings that cannot be meant
       attributes.py  names that all objects of a class share
       eventually.py  what is known at once, or after a wait
       durations.py   how long things took, in few numbers

A message's way, for a native ``{"event": "ping"}``: socket → `websocket.protocol` (frame) → `edge.native` (peer) →
`app.dispatcher` → `app.events` → ``peer.emit`` → frame → socket. Socket.IO joins it at the dispatcher. Begin to read at
`yekta.app.events`.
"""

__version__ = "1.0.0"
