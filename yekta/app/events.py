"""Every event that a client may send, and what it is answered: begin to read here.

The same for every door; CONTRACT, which is ``docs/contract.rst``, has the payloads under "Events". A new event is a
method here and a line in `Events.table`, its shape in `yekta.app.schemas`, and what it is answered in
`about.SERVER_EVENTS`: AsyncAPI and ``/websocket-info`` are made of these.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from yekta import __version__
from yekta.app import about
from yekta.app.answer import Answer, State
from yekta.app.counselor import Counselor
from yekta.app.dispatcher import Event, Reply, acknowledge, unacknowledged
from yekta.app.errors import ClientError
from yekta.app.hub import Hub
from yekta.app.owner import Owner
from yekta.app.peer import Peer
from yekta.app.schemas import Cancel, Chat, Resume, Say, read
from yekta.eventually import then
from yekta.timestamps import Timestamps

# What is left of a handler that has to wait.
Wait = Coroutine[Any, Any, None] | None


class Events:
    """The handlers, and what they need."""

    def __init__(self, hub: Hub, counselor: Counselor, timestamps: Timestamps) -> None:
        self._hub = hub
        self._counselor = counselor
        self._everywhere = counselor.everywhere
        self._now = timestamps.now

    def table(self) -> dict[str, Event]:
        """The handlers by event. Those without a shape take any data, or none."""
        return {
            "ping": Event(self.ping),
            "status": Event(self.status),
            "echo": Event(self.echo),
            "info": Event(self.info),
            "message": Event(self.message),
            "ai:chat": Event(self.ai_chat, Chat),
            "ai:cancel": Event(self.ai_cancel, Cancel),
            "ai:resume": Event(self.ai_resume, Resume, lambda resume: {"messageId": resume.message_id}),
            "ai:streams": Event(self.ai_streams),
        }

    def ping(self, peer: Peer, data: Any, reply: Reply) -> None:
        reply("pong", {"timestamp": self._now()})

    def echo(self, peer: Peer, data: Any, reply: Reply) -> None:
        reply("echo_response", {"received": data, "timestamp": self._now(), "socketId": peer.id})

    def message(self, peer: Peer, data: Any, reply: Reply) -> None:
        read(data, Say)
        reply(
            "message_received",
            {
                "success": True,
                "message": "Message received successfully",
                "data": data,
                "timestamp": self._now(),
            },
        )

    def status(self, peer: Peer, data: Any, reply: Reply) -> None:
        session = peer.session
        reply(
            "status_response",
            {
                "server": {
                    "name": about.SERVER_NAME,
                    "version": __version__,
                    "status": "running",
                    "timestamp": self._now(),
                },
                "connection": {
                    "socketId": peer.id,
                    "sessionToken": peer.masked_token,
                    "userId": session.user_id,
                    "isLoggedIn": session.is_logged_in,
                    "protocol": peer.protocol,
                    "rooms": sorted(peer.rooms),
                },
            },
        )

    def info(self, peer: Peer, data: Any, reply: Reply) -> None:
        session = peer.session
        reply(
            "info_response",
            {
                "server": {
                    "name": about.API_NAME,
                    "version": __version__,
                    "description": about.DESCRIPTION,
                    "features": about.FEATURES,
                },
                "websocket": {
                    "connected": True,
                    "protocol": peer.protocol,
                    "transport": peer.transport,
                    "activeConnections": len(self._hub.members),
                },
                "session": {
                    "authenticated": True,
                    "userId": "anonymous" if session.user_id is None else session.user_id,
                    "sessionToken": peer.masked_token,
                },
                "timestamp": self._now(),
            },
        )

    def ai_chat(self, peer: Peer, data: Chat, reply: Reply) -> None:
        try:
            self._counselor.chat(Owner.of(peer.session), data, peer, reply)
        except ClientError as error:
            named = {"messageId": data.message_id} if data.message_id else {}
            reply("ai:response:error", {"error": error.message, **named, "retryable": True})

    def ai_cancel(self, peer: Peer, data: Cancel, reply: Reply) -> Wait:
        def cancelled(state: State) -> None:
            acknowledge(reply, {"ok": True, "messageId": data.message_id, "state": state.value})

        def follow(answer: Answer) -> None:
            # The acknowledgement has words of its own.
            peer.follow(answer, unacknowledged(reply, peer.emit), answer.seq)

        owner = Owner.of(peer.session)
        if data.message_id in (peer.following or {}):
            return then(self._everywhere.cancel(owner, data.message_id), cancelled)
        # Who has lost its connection, and comes back only to stop the answer, is told the end all the same.
        return then(self._everywhere.stop(owner, data.message_id, follow), cancelled)

    def ai_resume(self, peer: Peer, data: Resume, reply: Reply) -> Wait:
        def found(answer: Answer) -> None:
            said = {"messageId": answer.message_id, "state": answer.state.value, "seq": answer.seq}
            acknowledge(reply, {"ok": True, **said})
            peer.follow(answer, reply, data.seq, replay=True)

        return then(self._everywhere.find(Owner.of(peer.session), data.message_id), found)

    def ai_streams(self, peer: Peer, data: Any, reply: Reply) -> Wait:
        def listed(streams: list[dict[str, Any]]) -> None:
            reply("ai:streams_response", {"streams": streams})

        return then(self._everywhere.streams(Owner.of(peer.session)), listed)
