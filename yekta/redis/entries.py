"""Words of a cluster as entries of a stream, as ``@socket.io/redis-streams-adapter`` 0.3 has them.

An entry has the fields ``uid`` (whose word it is), ``nsp``, ``type`` and ``data``: JSON, or the base64 of msgpack where
there are bytes in it. Two more are ours: ``n``, which of all its words it is, and ``to``, the only one that it is for.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

from yekta import jsontext, msgpack
from yekta.socketio.cluster_words import Unreadable, Word, as_map

# Bytes of what a word says: half of what may wait for Redis (`yekta.redis.stream.MAX_WAITING`).
MAX_DATA = 8 << 20


def written(uid: str, word: Word, to: str = "", number: int = 0) -> tuple[bytes, ...]:
    """The fields of an entry, each name before its value. Raises :class:`ValueError` for what cannot be said."""
    try:
        # It may wait for Redis.
        data = jsontext.COPY % jsontext.encode_bytes(word.data)
    except jsontext.NotJson:
        data = base64.b64encode(msgpack.encode_readable(word.data))
    if len(data) > MAX_DATA:
        raise ValueError("too large for other servers")
    kind, namespace = str(word.kind).encode(), word.namespace.encode()
    fields: tuple[bytes, ...] = (b"uid", uid.encode(), b"nsp", namespace, b"type", kind, b"data", data)
    if number:
        fields = (*fields, b"n", str(number).encode())
    return (*fields, b"to", to.encode()) if to else fields


def read(fields: Sequence[bytes], reader: str) -> tuple[str, int, Word | None] | None:
    """Whose word an entry is, its number or 0, and the word, unless that is not for ``reader``. Raises `Unreadable`.

    ``None`` for what ``reader`` has said.
    """
    found = dict(zip(fields[::2], fields[1::2], strict=False))
    try:
        uid, to, number = found[b"uid"].decode(), found.get(b"to", b"").decode(), int(found.get(b"n", 0))
        if uid == reader:
            return None
        if to not in ("", reader):
            return uid, number, None
        data = found.get(b"data", b"{}")
        value = jsontext.decode(data) if data[:1] == b"{" else msgpack.decode(base64.b64decode(data, validate=True))
        return uid, number, Word(int(found[b"type"]), found[b"nsp"].decode(), as_map(value))
    except (KeyError, ValueError):
        raise Unreadable from None


def number_of(id: bytes) -> int:
    """An entry's place in the stream, ``<milliseconds>-<n>``, as one number."""
    milliseconds, _, n = id.partition(b"-")
    return (int(milliseconds) << 20) + int(n)


def seconds_of(id: bytes) -> float:
    """When an entry was added, by the clock of Redis."""
    return int(id.partition(b"-")[0]) / 1000
