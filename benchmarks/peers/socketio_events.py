"""The events of the comparison, for python-socketio."""

from __future__ import annotations

from typing import Any

import socketio
import words


def serve(mode: str) -> socketio.AsyncServer:
    """A server with all handlers."""
    sio = socketio.AsyncServer(async_mode=mode, json=words.Json, cors_allowed_origins="*")

    @sio.event
    async def connect(sid: str, environ: Any, auth: Any) -> None:
        await sio.emit("connected", {"message": "Connected", "socketId": sid}, to=sid)

    @sio.on("echo")
    async def echo(sid: str, data: Any) -> None:
        await sio.emit("echo_response", words.echo(data, sid), to=sid)

    @sio.on("bench:join")
    async def join(sid: str, data: Any) -> None:
        await sio.enter_room(sid, "bench")
        await sio.emit("bench:joined", {"timestamp": words.now()}, to=sid)

    @sio.on("bench:broadcast")
    async def broadcast(sid: str, data: Any) -> None:
        await sio.emit("bench:news", words.news(data), room="bench")

    @sio.on("bench:stream")
    async def stream(sid: str, data: Any) -> None:
        for seq in range(data["chunks"]):
            await sio.emit("bench:chunk", words.chunk(seq), to=sid)

    return sio
