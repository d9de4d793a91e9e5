"""A provider that answers at once, in CHUNKS pieces, one every INTERVAL seconds."""

from __future__ import annotations

import sys
from typing import Any

from twisted.internet import reactor as _reactor
from twisted.internet.task import LoopingCall
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

reactor: Any = _reactor

_CHUNK = b'data: {"choices":[{"index":0,"delta":{"content":"a few words "}}]}\n\n'
_END = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


class Provider(Resource):
    """Any path, any question."""

    isLeaf = True

    def __init__(self, chunks: int, interval: float) -> None:
        super().__init__()
        self._chunks = chunks
        self._interval = interval

    def render(self, request: Any) -> int:
        request.setHeader(b"content-type", b"text/event-stream")
        left = [self._chunks]

        def chunk() -> None:
            request.write(_CHUNK)
            left[0] -= 1
            if not left[0]:
                pace.stop()
                request.write(_END)
                request.finish()

        pace = LoopingCall(chunk)
        request.notifyFinish().addErrback(lambda _: pace.running and pace.stop())
        pace.start(self._interval)
        return NOT_DONE_YET


def main(chunks: int, interval: float) -> None:
    port = reactor.listenTCP(0, Site(Provider(chunks, interval)), interface="127.0.0.1")
    print(port.getHost().port, flush=True)
    reactor.run()


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
