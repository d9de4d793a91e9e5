"""The part of REST that asks the AI: answers, whole or streamed, and the conversations that are kept."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from twisted.internet.defer import ensureDeferred
from twisted.internet.interfaces import IReactorTime

from yekta.app.conversations import PAGE, Conversations
from yekta.app.counselor import NOTICE, Counselor
from yekta.app.errors import ClientError
from yekta.app.health import Health
from yekta.app.owner import Owner
from yekta.app.readers import Reader
from yekta.app.schemas import Chat, ConversationId, read
from yekta.app.sessions import Session, Sessions
from yekta.edge.endpoint import TIME, Call, Endpoint, OrNull, Parameter
from yekta.edge.login import NotAuthenticated, authenticate
from yekta.edge.session_requests import SessionRequests
from yekta.edge.sse import EventStream, last_seq
from yekta.eventually import known
from yekta.timestamps import Timestamps, iso
from yekta.web.forwarded import subscriber

LAST_EVENT_ID = Parameter(
    "header", "Last-Event-ID", "The `id` of the last chunk that came; without it all come", {"type": "string"}
)
AFTER = Parameter(
    "query", "after", "The number of a turn: the page begins with the following one", {"type": "integer", "minimum": 0}
)


class RestAi:
    """The endpoints below ``/api/ai/``."""

    def __init__(
        self,
        clock: IReactorTime,
        sessions: Sessions,
        counselor: Counselor,
        conversations: Conversations,
        health: Health,
        timestamps: Timestamps,
    ) -> None:
        self._clock = clock
        self._sessions = sessions
        self._requests = SessionRequests(sessions)
        self._counselor = counselor
        self._everywhere = counselor.everywhere
        self._conversations = conversations
        self._health = health
        self._now = timestamps.now

    def endpoints(self) -> list[Endpoint]:
        """The table."""
        turn = {"number": 1, "role": "user", "content": "…", "timestamp": TIME}
        page = {"conversationId": "c1", "turns": [turn], "next": OrNull(50)}
        cancelled = {"messageId": "m1", "state": "cancelled"}
        return [
            Endpoint(
                "POST",
                "/api/ai/chat",
                "Ask the AI; with `Accept: text/event-stream` the answer streams",
                self.chat,
                {"success": True, "response": "…", "timestamp": TIME},
                body=Chat,
                errors=(400, 401, 409, 413, 415, 429, 502, 503, 504),
                recognizes=True,
                tag="AI",
                streams=True,
            ),
            Endpoint(
                "GET",
                "/api/ai/status",
                "Whether the AI can answer",
                self.ai_status,
                {"success": True, "status": "operational", "provider": "chat", "timestamp": TIME},
                tag="AI",
            ),
            Endpoint(
                "GET",
                "/api/ai/stream/{message_id}",
                "Go on with an answer, after `Last-Event-ID`, as server-sent events",
                self.resume_stream,
                None,
                parameters=(LAST_EVENT_ID,),
                errors=(401, 404, 503),
                authenticated=True,
                tag="AI",
                streams=True,
            ),
            Endpoint(
                "DELETE",
                "/api/ai/stream/{message_id}",
                "Stop an answer",
                self.cancel_stream,
                {"success": True, "data": cancelled},
                errors=(400, 401, 404, 413, 415, 503),
                authenticated=True,
                tag="AI",
            ),
            Endpoint(
                "GET",
                "/api/ai/conversations/{conversation_id}",
                "A page of a conversation, after the turn `?after=`",
                self.conversation,
                {"success": True, "data": page},
                parameters=(AFTER,),
                errors=(400, 401, 503),
                authenticated=True,
                tag="AI",
            ),
            Endpoint(
                "DELETE",
                "/api/ai/conversations/{conversation_id}",
                "Delete a conversation",
                self.delete_conversation,
                {"success": True, "data": {"conversationId": "c1"}},
                errors=(400, 401, 404, 413, 415, 503),
                authenticated=True,
                tag="AI",
            ),
        ]

    async def chat(self, call: Call) -> dict[str, Any] | None:
        session = await self._session_if_any(call)
        # An address cannot come back to its answer.
        stranger = "address:" + subscriber(call.asked.address)
        owner = Owner(stranger, returns=False) if session is None else Owner.of(session)
        if call.wants_events:
            await self._stream(
                call, session, lambda stream: self._counselor.chat(owner, call.body, stream, stream.send)
            )
            return None
        reader, metadata = Reader(), {}

        def send(event: str, data: Any) -> None:
            if event == NOTICE:
                metadata["notice"] = data["text"]

        try:
            answer = self._counselor.chat(owner, call.body, reader, send)
            await self._requests.wait(session, answer.wait())
        finally:
            reader.stop_following()
        if answer.error is not None:
            raise answer.error
        reason = (answer.end or ("", {}))[1].get("finishReason")
        if reason is not None:
            metadata["finishReason"] = reason
        body = {"success": True, "response": answer.text, "timestamp": self._now()}
        return {**body, "metadata": metadata} if metadata else body

    async def resume_stream(self, call: Call) -> None:
        session, message_id = await self._session(call), call.names["message_id"]
        seq = last_seq(message_id, call.given.get(LAST_EVENT_ID.name, ""))
        finding = ensureDeferred(known(self._everywhere.find(Owner.of(session), message_id)))
        answer = await self._requests.wait(session, finding)
        await self._stream(call, session, lambda stream: stream.follow(answer, stream.send, seq, replay=True))

    async def cancel_stream(self, call: Call) -> dict[str, Any]:
        owner, message_id = await self._known_owner(call), call.names["message_id"]
        state = await known(self._everywhere.cancel(owner, message_id))
        return {"success": True, "data": {"messageId": message_id, "state": state.value}}

    async def conversation(self, call: Call) -> dict[str, Any]:
        owner, name = await self._known_owner(call), _conversation(call)
        after = call.given.get(AFTER.name, "0")
        if not (after.isascii() and after.isdigit() and len(after) < 16):
            raise ClientError("Bad Request", "after must be the number of a turn.")
        turns = await self._conversations.page(owner.name, name, int(after))
        shown = [
            {"number": turn.number, "role": turn.role, "content": turn.content, "timestamp": iso(turn.said_at)}
            for turn in turns
        ]
        following = turns[-1].number if len(turns) == PAGE else None
        return {"success": True, "data": {"conversationId": name, "turns": shown, "next": following}}

    async def delete_conversation(self, call: Call) -> dict[str, Any]:
        owner, name = await self._known_owner(call), _conversation(call)
        if not await self._counselor.delete(owner, name):
            raise ClientError("Not Found", "No such conversation", status=404)
        return {"success": True, "data": {"conversationId": name}}

    async def ai_status(self, call: Call) -> dict[str, Any]:
        up = await self._health.ai_is_up()
        return {
            "success": True,
            "status": "operational" if up else "degraded",
            "provider": self._counselor.provider.name,
            "timestamp": self._now(),
        }

    async def _session_if_any(self, call: Call) -> Session | None:
        if not call.token:
            return None
        try:
            return await self._session(call)
        except NotAuthenticated as error:
            if error.status == 401:
                return None
            raise

    async def _session(self, call: Call) -> Session:
        return await authenticate(self._sessions, call.token)

    async def _known_owner(self, call: Call) -> Owner:
        return Owner.of(await self._session(call))

    async def _stream(self, call: Call, session: Session | None, begin: Callable[[EventStream], object]) -> None:
        assert call.request is not None
        # What cannot begin is refused with a status, before the stream does.
        stream = EventStream(call.request, self._clock)
        try:
            begin(stream)
            # One whose session has ended ends without a word, and whoever comes back is refused.
            with suppress(NotAuthenticated):
                await self._requests.wait(session, stream.done)
        finally:
            stream.close()


def _conversation(call: Call) -> str:
    return read(call.names["conversation_id"], ConversationId)
