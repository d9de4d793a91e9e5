"""python-socketio on aiohttp with uvloop. PORT is the argument."""

from __future__ import annotations

import asyncio
import sys

import uvloop
import words
from aiohttp import web
from socketio_events import serve


async def acquire_session(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(body=words.new_session(), content_type="application/json")


async def run(port: int) -> None:
    app = web.Application()
    serve("aiohttp").attach(app)
    app.router.add_post("/api/auth/acquire-session", acquire_session)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=4096).start()
    print("is ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(run(int(sys.argv[1])))
