"""A scripted OpenAI-compatible server on a real loopback socket.

    server = OpenAIServer()
    await server.start()                           # server.base_url is "http://127.0.0.1:PORT/v1"
    server.script(Text("سلام"), Wait(gate), Text(" دنیا"), Done())
    ...
    request = server.requests[0]                   # what was asked: .body, .headers
    await request.gone                             # fires if the client leaves before the answer's end
    await server.stop()

``script`` queues the steps for one more request; a request without a script gets ``server.default``. The
first ``Text``, ``Raw`` or ``Done`` sends status 200 and ``text/event-stream``, unless ``Head`` came before.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence
from typing import Any

import attrs
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred, ensureDeferred, maybeDeferred
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.protocols.policies import WrappingFactory
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

reactor: Any = _reactor


@attrs.frozen
class Head:
    """Answer with this status and these headers; the steps after it make the body."""

    status: int = 200
    headers: dict[str, str] = attrs.field(factory=lambda: {"Content-Type": "text/event-stream"})


@attrs.frozen
class Text:
    """One chunk with this piece of text."""

    text: str
    delta: str = "content"


@attrs.frozen
class Raw:
    """These bytes, as they are; with ``each_byte`` in as many HTTP chunks as there are bytes."""

    data: bytes
    each_byte: bool = False


@attrs.frozen
class Wait:
    """Go on when ``gate`` fires."""

    gate: Deferred[None]


@attrs.frozen
class Done:
    """The last chunk with its ``finish_reason``, usage if given, and ``[DONE]``."""

    reason: str = "stop"
    usage: dict[str, int] | None = None


@attrs.frozen
class Abort:
    """Reset the connection, or only close it."""

    reset: bool = True


@attrs.frozen
class Stay:
    """Leave the answer open: neither more bytes nor an end."""


Step = Head | Text | Raw | Wait | Done | Abort | Stay


def event(value: object) -> bytes:
    """``value`` as one event of a stream."""
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


def chunk(text: str | None, delta: str = "content", finish_reason: str | None = None) -> dict[str, Any]:
    """One ``chat.completion.chunk``."""
    choice = {"index": 0, "delta": {} if text is None else {delta: text}, "finish_reason": finish_reason}
    return {"object": "chat.completion.chunk", "model": "scripted", "choices": [choice]}


@attrs.define(eq=False)
class Received:
    """One request to ``/chat/completions``. ``gone`` fires with the reason if its client leaves before the end."""

    body: dict[str, Any]
    headers: dict[str, str]
    gone: Deferred[BaseException] = attrs.field(factory=Deferred)


class OpenAIServer:
    """See the module. ``connections`` counts those ever accepted; ``models_status`` answers ``/models``."""

    def __init__(self) -> None:
        self.default: Sequence[Step] = (Text("Hello"), Text(" there"), Done())
        self.models_status = 200
        self.requests: list[Received] = []
        self.base_url = ""
        self._scripts: deque[Sequence[Step]] = deque()
        self._arrivals: deque[Deferred[Received]] = deque()
        self._factory = _Counting(Site(_Completions(self)))

    @property
    def connections(self) -> int:
        return self._factory.accepted

    async def start(self) -> None:
        self._port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(self._factory)
        self.base_url = f"http://127.0.0.1:{self._port.getHost().port}/v1"

    async def stop(self) -> None:
        """Stop listening and reset what is still connected."""
        await maybeDeferred(self._port.stopListening)
        for connection in list(self._factory.protocols):
            connection.transport.abortConnection()

    def script(self, *steps: Step) -> None:
        """Answer one more request by these steps."""
        self._scripts.append(steps)

    def arrival(self) -> Deferred[Received]:
        """Fires with the next request to arrive."""
        arrived: Deferred[Received] = Deferred()
        self._arrivals.append(arrived)
        return arrived

    def received(self, request: Request) -> None:
        """For the resource: play the next script to this request."""
        headers = {k.decode().lower(): v[0].decode() for k, v in request.requestHeaders.getAllRawHeaders()}
        received = Received(json.loads(request.content.read()), headers)
        self.requests.append(received)
        playing = ensureDeferred(_play(request, self._scripts.popleft() if self._scripts else self.default))

        def left(reason: Any) -> None:
            playing.cancel()
            received.gone.callback(reason.value)

        request.notifyFinish().addErrback(left)
        playing.addErrback(lambda _: None)
        if self._arrivals:
            self._arrivals.popleft().callback(received)


async def _play(request: Request, steps: Sequence[Step]) -> None:
    _head(request, Head())
    for step in steps:
        match step:
            case Head():
                _head(request, step)
            case Text(text, delta):
                request.write(event(chunk(text, delta)))
            case Raw(data, each_byte):
                for part in (bytes([byte]) for byte in data) if each_byte else [data]:
                    request.write(part)
            case Wait(gate):
                await gate
            case Done(reason, usage):
                request.write(_ending(reason, usage))
            case Abort(reset):
                transport = request.channel.transport
                (transport.abortConnection if reset else transport.loseConnection)()
                return
            case Stay():
                # Where nothing was written so far, this sends the head.
                request.write(b"")
                return
    request.finish()


def _head(request: Request, head: Head) -> None:
    request.setResponseCode(head.status)
    for name, value in head.headers.items():
        request.setHeader(name.encode(), value.encode("latin-1"))


def _ending(reason: str, usage: dict[str, int] | None) -> bytes:
    counted = b"" if usage is None else event({"choices": [], "usage": usage})
    return event(chunk(None, finish_reason=reason)) + counted + b"data: [DONE]\n\n"


class _Counting(WrappingFactory):
    noisy = False
    accepted = 0

    def registerProtocol(self, p: Any) -> None:
        self.accepted += 1
        super().registerProtocol(p)


class _Completions(Resource):
    isLeaf = True

    def __init__(self, server: OpenAIServer) -> None:
        super().__init__()
        self._server = server

    def render_POST(self, request: Request) -> int:
        assert request.path == b"/v1/chat/completions", request.path
        self._server.received(request)
        return NOT_DONE_YET

    def render_GET(self, request: Request) -> bytes:
        request.setResponseCode(self._server.models_status)
        return b'{"data": []}'
