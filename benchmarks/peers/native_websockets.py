"""`websockets` with uvloop. PORT is the argument; WRAPPED may be `tls`, by the PEM file CERTIFICATE, or `deflate`."""

from __future__ import annotations

import asyncio
import os
import ssl
import sys
from typing import Any

import orjson
import uvloop
import words
from websockets.asyncio.server import ServerConnection, broadcast, serve

room: set[ServerConnection] = set()


async def handle(socket: ServerConnection, socket_id: str, event: str, data: Any) -> None:
    if event == "echo":
        await socket.send(words.frame("echo_response", words.echo(data, socket_id)), text=True)
    elif event == "bench:join":
        room.add(socket)
        await socket.send(words.frame("bench:joined", {"timestamp": words.now()}), text=True)
    elif event == "bench:broadcast":
        broadcast(room, words.frame("bench:news", words.news(data)).decode())
    elif event == "bench:stream":
        for seq in range(data["chunks"]):
            await socket.send(words.frame("bench:chunk", words.chunk(seq)), text=True)


async def connected(socket: ServerConnection) -> None:
    socket_id = str(socket.id)
    await socket.send(words.frame("connected", {"message": "Connected", "socketId": socket_id}), text=True)
    try:
        async for text in socket:
            message = orjson.loads(text)
            await handle(socket, socket_id, message["event"], message["data"])
    finally:
        room.discard(socket)


async def run(port: int) -> None:
    way, trusted = os.environ.get("WRAPPED"), None
    if way == "tls":
        trusted = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trusted.load_cert_chain(os.environ["CERTIFICATE"])
    compression = "deflate" if way == "deflate" else None
    async with serve(connected, "127.0.0.1", port, ssl=trusted, compression=compression, backlog=4096):
        print("is ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(run(int(sys.argv[1])))
