"""picows with uvloop. PORT is the argument."""

from __future__ import annotations

import secrets
import sys

import orjson
import uvloop
import words
from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

room: set[WSTransport] = set()


class Peer(WSListener):
    """One client."""

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.id = f"ws-{secrets.token_urlsafe(15)}"
        transport.send(WSMsgType.TEXT, words.frame("connected", {"message": "Connected", "socketId": self.id}))

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code() or WSCloseCode.OK)
            transport.disconnect()
        elif frame.msg_type == WSMsgType.PING:
            transport.send_pong(frame.get_payload_as_bytes())
        elif frame.msg_type == WSMsgType.TEXT:
            message = orjson.loads(frame.get_payload_as_memoryview())
            self._handle(transport, message["event"], message["data"])

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        room.discard(transport)

    def _handle(self, transport: WSTransport, event: str, data: dict[str, int]) -> None:
        if event == "echo":
            transport.send(WSMsgType.TEXT, words.frame("echo_response", words.echo(data, self.id)))
        elif event == "bench:join":
            room.add(transport)
            transport.send(WSMsgType.TEXT, words.frame("bench:joined", {"timestamp": words.now()}))
        elif event == "bench:broadcast":
            news = words.frame("bench:news", words.news(data))
            for member in room:
                member.send(WSMsgType.TEXT, news)
        elif event == "bench:stream":
            for seq in range(data["chunks"]):
                transport.send(WSMsgType.TEXT, words.frame("bench:chunk", words.chunk(seq)))


def listener(request: WSUpgradeRequest) -> Peer:
    return Peer()


async def run(port: int) -> None:
    server = await ws_create_server(listener, "127.0.0.1", port, backlog=4096)
    print("is ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(run(int(sys.argv[1])))
