"""A small HTTP client over real sockets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import attrs
from treq.client import HTTPClient
from twisted.internet import reactor as _reactor
from twisted.web.client import Agent, HTTPConnectionPool

from tests.support.patience import PATIENCE

reactor: Any = _reactor


@attrs.frozen
class Answer:
    """``headers``: lower-case names, repeated ones joined by ``", "``."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Http:
    """Connections are kept until :meth:`close`."""

    def __init__(self) -> None:
        self._pool = HTTPConnectionPool(reactor)
        self._agent = Agent(reactor, pool=self._pool)

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        # A client of its own for each request: cookies would link them.
        response = await HTTPClient(self._agent).request(
            method, url, headers=dict(headers or {}), data=body, timeout=PATIENCE, allow_redirects=False
        )
        received = await response.content()
        names = {
            name.decode().lower(): b", ".join(values).decode("latin-1")
            for name, values in response.headers.getAllRawHeaders()
        }
        return Answer(response.code, names, received)

    async def close(self) -> None:
        await self._pool.closeCachedConnections()
