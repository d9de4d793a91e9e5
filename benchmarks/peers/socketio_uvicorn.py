"""python-socketio on uvicorn with uvloop and httptools. PORT is the argument, and after it the WebSocket library."""

from __future__ import annotations

import sys
from typing import Any

import socketio
import uvicorn
import uvloop
import words
from socketio_events import serve


async def sessions(scope: Any, receive: Any, send: Any) -> None:
    """POST /api/auth/acquire-session."""
    while (await receive()).get("more_body"):
        pass
    body = words.new_session()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Server(uvicorn.Server):
    """Says when it listens."""

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        print("is ready", flush=True)


def main(port: int, websockets: str = "websockets") -> None:
    config = uvicorn.Config(
        socketio.ASGIApp(serve("asgi"), sessions),
        host="127.0.0.1",
        port=port,
        http="httptools",
        ws=websockets,
        ws_per_message_deflate=False,
        lifespan="off",
        access_log=False,
        log_level="warning",
        backlog=4096,
    )
    uvloop.run(Server(config).serve())


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
