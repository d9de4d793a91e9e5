"""The speaking half of a socket: its events, and what it is asked for acknowledgements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred, fail

from yekta import jsontext
from yekta.rooms import Joined
from yekta.socketio import packet as packets
from yekta.socketio.acks import Acks, Answered
from yekta.socketio.adapter import Target
from yekta.socketio.broadcast import Broadcasting, BroadcastOperator
from yekta.socketio.calls import call
from yekta.socketio.errors import Disconnected
from yekta.socketio.flagged import FlaggedSocket
from yekta.socketio.listening import Listening
from yekta.socketio.message import Message
from yekta.socketio.packet import RESERVED, Packet, allowed, reserved

if TYPE_CHECKING:
    from yekta.socketio.client import Client
    from yekta.socketio.namespace import Namespace


class Speaking(Listening, Broadcasting):
    """See the module. ``spelling``: its namespace as the client spells it. ``pid``: set where it may be recovered."""

    __slots__ = (
        "_acks",
        "_connection",
        "_format",
        "_sent",
        "client",
        "connected",
        "id",
        "joined",
        "namespace",
        "pid",
        "spelling",
    )

    def __init__(self, namespace: Namespace, client: Client, spelling: str, id: str) -> None:
        super().__init__()
        self.id = id
        self.joined: Joined = None
        self.namespace = namespace
        self.client = client
        self.spelling = spelling
        self.connected = False
        self.pid: str | None = None
        self._connection = client.connection
        self._format = client.format(spelling, offsets=False)
        self._acks: Acks | None = None
        self._sent = 0

    def emit(self, event: str, *args: Any) -> None:
        """Send an event to this client. Raises :class:`ValueError` for what the parser cannot say."""
        if event in RESERVED:
            raise reserved(event)
        said = (event, *args)
        head = self._format.head
        if self.connected and head is not None and not self.audience.outgoing:
            # Nobody shares it: it need not be written for many. As `EventFormat.write`, without a call.
            try:
                if self.pid is None:
                    text = head + jsontext.dumps(said)
                else:
                    kept = self.namespace.adapter.write_alone(said, self.id)
                    text = head + kept.text
                    self._sent = kept.number
            except jsontext.Unsayable:
                # Attachments, which the parser knows how to send, or what nobody can say.
                pass
            else:
                express = self._connection.express
                (self._connection if express is None else express).send_encoded(text)
                return
        self.deliver(self.recorded(said))

    def emit_with_ack(self, event: str, *args: Any, timeout: float | None = None) -> Deferred[Any]:
        """Send an event; fires with the client's answer (a list, if it gave several values).

        Fails with `AckTimeout` after ``timeout`` seconds, and with `Disconnected`.
        """
        return self.question((allowed(event), *args), timeout)

    def question(self, said: Sequence[Any], timeout: float | None, **flags: Any) -> Deferred[Any]:
        """As `emit_with_ack`; ``flags`` are those of a `Message`."""
        if not self.connected:
            return fail(Disconnected())
        number = self.namespace.next_id()
        message = Message(said, id=number, **flags)
        # Nobody waits for the answer to what cannot be said.
        message.encoded(self._format)
        answer = self._owed().wait(number, timeout)
        self.deliver(message)
        return answer

    def timeout(self, seconds: float) -> FlaggedSocket:
        """``socket.timeout(5).emit_with_ack(…)``, as Node's users write it."""
        return FlaggedSocket(self, timeout=seconds)

    @property
    def volatile(self) -> FlaggedSocket:
        """``socket.volatile.emit(…)``: dropped where the client does not keep up."""
        return FlaggedSocket(self, volatile=True)

    def compress(self, compress: bool) -> FlaggedSocket:
        """``socket.compress(False).emit(…)``: whether compressing is worth it, where compression is on."""
        return FlaggedSocket(self, compress=compress)

    @property
    def broadcast(self) -> BroadcastOperator:
        """All others in the namespace."""
        return self._operator()

    def _operator(self) -> BroadcastOperator:
        return BroadcastOperator(self.namespace, Target(excluded=frozenset((self.id,))))

    def recorded(self, args: Sequence[Any], **flags: Any) -> Message:
        """An event for this client alone, in the history where it may be recovered."""
        message = Message(args, **flags)
        if self.pid is not None:
            self.namespace.adapter.record_alone(message, self.id)
        return message

    # -- Member: for adapters --------------------------------------------------------------------------------

    def deliver(self, message: Message) -> None:
        if not self.connected:
            return
        for function in self.audience.outgoing:
            call(function, *message.args)
        if message.volatile and not self._connection.flowing:
            return
        # Those that are not in the history have the number 0.
        if message.number > self._sent:
            self._sent = message.number
        self._connection.send_prepared(message.encoded(self._format))

    def ask(self, message: Message, answered: Answered) -> Callable[[], None] | None:
        if message.id is None or not self.connected:
            return None
        number = message.id
        message.encoded(self._format)
        acks = self._owed()
        acks.call(number, answered)
        self.deliver(message)
        return lambda: acks.forget(number)

    # -- acknowledgements --------------------------------------------------------------------------------------

    def ack_received(self, id: int, args: list[Any]) -> None:
        """An answer; those that nobody waits for are ignored."""
        if self._acks is not None:
            self._acks.received(id, args)

    def _owed(self) -> Acks:
        if self._acks is None:
            server = self.namespace.server
            self._acks = Acks(server.clock, server.settings.max_acks)
        return self._acks

    def _acker(self, id: int) -> Callable[..., None]:
        answered = False

        def ack(*args: Any) -> None:
            nonlocal answered
            if not answered and self.connected:
                answered = True
                self.client.send(Packet(packets.ACK, self.spelling, list(args), id))

        return ack
