"""Clients by `websockets`: PORT, TOKENS (a file), SECONDS, BYTES of each message; ``tls`` and ``deflate`` where wanted.

Each sends a message when it has the answer to the last. Prints how many answers came.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
import time
from pathlib import Path

import orjson
import uvloop
from websockets.asyncio.client import ClientConnection, connect

CLIENTS = 50
WORDS = "a few words that a client may say to a counselor, again and again, "


async def client(number: int, url: str, end: float, size: int, wrapped: set[str]) -> int:
    trusting = ssl._create_unverified_context() if "tls" in wrapped else None
    compression = "deflate" if "deflate" in wrapped else None
    async with connect(url, ssl=trusting, compression=compression) as socket:
        await socket.recv()
        return await converse(socket, number, end, (WORDS * size)[:size])


async def converse(socket: ClientConnection, number: int, end: float, text: str) -> int:
    answers = 0
    while time.monotonic() < end:
        said = {"n": number, "id": answers, "text": text}
        await socket.send(orjson.dumps({"event": "echo", "data": said}), text=True)
        assert orjson.loads(await socket.recv())["data"]["received"] == said
        answers += 1
    return answers


async def run(port: str, tokens: str, seconds: str, size: str, *wrapped: str) -> None:
    scheme, end = "wss" if "tls" in wrapped else "ws", time.monotonic() + float(seconds)
    urls = [f"{scheme}://127.0.0.1:{port}/ws?token={token}" for token in Path(tokens).read_text().split()[:CLIENTS]]
    counts = await asyncio.gather(
        *(client(number, url, end, int(size), set(wrapped)) for number, url in enumerate(urls))
    )
    print(sum(counts), flush=True)


if __name__ == "__main__":
    uvloop.run(run(*sys.argv[1:]))
