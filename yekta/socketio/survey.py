"""One question to all other servers of a cluster, and their replies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from yekta.socketio import cluster_words as words
from yekta.socketio.cluster_words import Unreadable, Word
from yekta.socketio.gathering import Gathering

# The replies that fit each kind of question. NOTHING and LOST fit every one.
_ANSWERS = {
    words.FETCH: (words.FETCHED,),
    words.EMIT: (words.EMITTED,),
    words.BROADCAST: (words.CLIENT_COUNT, words.ACK),
}


class Survey:
    """Hands to ``gathering`` what the servers ``names`` reply to a question of this ``kind``.

    Each owes one answer; to a broadcast, one for each of its clients instead, of which it first tells the number.
    """

    def __init__(self, gathering: Gathering, names: Iterable[str], kind: int) -> None:
        self._gathering = gathering
        self._answers = (*_ANSWERS[kind], words.NOTHING, words.LOST)
        self._owed = Counter(names)
        # Those that have told how many of their clients will answer.
        self._counted: set[str] = set()

    def replied(self, name: str, word: Word) -> None:
        if not self._owed[name]:
            return
        gathering, data = self._gathering, word.data
        if word.kind not in self._answers or (word.kind == words.CLIENT_COUNT and name in self._counted):
            raise Unreadable
        if word.kind == words.CLIENT_COUNT:
            clients = max(0, words.field(data, "clientCount", int))
            self._owed[name] += clients
            self._counted.add(name)
            gathering.expect(clients)
        answer = data.get("packet")
        if word.kind == words.FETCHED:
            answer = [words.socket_of(each) for each in words.field(data, "sockets", list)]
        # Only now: a reply that cannot be read is still owed when its sender, for that, is taken for gone.
        self._owed[name] -= 1
        if word.kind in (words.CLIENT_COUNT, words.NOTHING):
            gathering.skipped()
        elif word.kind == words.LOST:
            gathering.lost()
        else:
            gathering.answered(answer)

    def went(self, name: str) -> None:
        owed = self._owed.pop(name, 0)
        if owed and name in self._counted:
            self._gathering.lost(owed)
        elif owed:
            self._gathering.skipped(owed)
