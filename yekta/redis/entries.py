"""Words of a cluster as entries of a stream, as ``@socket.io/redis-streams-adapter`` 0.3 has them.

An entry has the fields ``uid`` (whose word it is), ``nsp``, ``type`` and ``data``: JSON, or the base64 of msgpack where
there are bytes in it. ``to`` is ours: the only one that the word is for.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

from yekta import jsontext, msgpack
from yekta.socketio.cluster_words import Unreadable, Word, as_map


def written(uid: str, word: Word, to: str = "") -> tuple[bytes, ...]:
    """The fields of an entry, each name before its value. Raises :class:`ValueError` for what cannot be said."""
    try:
        data = jsontext.encode_bytes(word.data)
    except jsontext.NotJson:
        data = base64.b64encode(msgpack.encode(word.data))
    kind, namespace = str(word.kind).encode(), word.namespace.encode()
    fields = (b"uid", uid.encode(), b"nsp", namespace, b"type", kind, b"data", data)
    return (*fields, b"to", to.encode()) if to else fields


def read(fields: Sequence[bytes], reader: str) -> tuple[str, Word] | None:
    """Whose word an entry is, and the word, unless that is not for ``reader``. Raises `Unreadable`."""
    found = dict(zip(fields[::2], fields[1::2], strict=False))
    try:
        uid, to = found[b"uid"].decode(), found.get(b"to", b"").decode()
        if uid == reader or to not in ("", reader):
            return None
        data = found.get(b"data", b"{}")
        value = jsontext.decode(data) if data[:1] == b"{" else msgpack.decode(base64.b64decode(data, validate=True))
        return uid, Word(int(found[b"type"]), found[b"nsp"].decode(), as_map(value))
    except (KeyError, ValueError):
        raise Unreadable from None


def number_of(id: bytes) -> int:
    """An entry's place in the stream, ``<milliseconds>-<n>``, as one number."""
    milliseconds, _, n = id.partition(b"-")
    return (int(milliseconds) << 20) + int(n)
