"""THE OTHER PROCESSES, of this machine over one database and of others: their answers for us, and ours for them.

Each listens on a UNIX socket of its own, in a folder that only their user may enter (`yekta.link.place`); those of
other machines are reached over the wire of their rooms (`yekta.link.lines`). Who wants something connects to all of
them, with one question on each connection::

    asker  {"version": 1, "ask": "find", "tag": …, "session": …, "user": …, "name": "m1"}
    home   {"found": true, "text": "so far", "ends": [3, 6]}       and where the answer still runs:
           {"text": " and on", "ends": [13]} …
           {"end": {"reason": "stop"}}                             and hangs up

``ends`` is where each chunk ends in the whole text, in characters: however many are sent in one, they keep their
numbers. A home whose socket is slow to be read merges, as for any slow reader. Nothing that is said here is logged.

Rooms and lost clients are `yekta.socketio.cluster`'s, whose words travel over `yekta.link.mesh` on one machine, and
over `yekta.redis.stream` where there are several.
"""
