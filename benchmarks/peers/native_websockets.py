"""`websockets` with uvloop. PORT is the argument."""

from __future__ import annotations

import asyncio
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
    async with serve(connected, "127.0.0.1", port, compression=None, backlog=4096):
        print("is ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(run(int(sys.argv[1])))
