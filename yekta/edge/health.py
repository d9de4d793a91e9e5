"""What the paths of health answer, on both ports: whether the process lives, and whether requests should come to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import CancelledError
from twisted.logger import Logger

from yekta import jsontext
from yekta.app.health import Health
from yekta.edge.answering import AnsweringDoor
from yekta.edge.endpoint import Answer
from yekta.edge.http import fields, refusal
from yekta.timestamps import Timestamps
from yekta.web.arrival import Arrival
from yekta.web.origins import Origins


class Vitals:
    """The answers, for whichever door is asked."""

    def __init__(self, health: Health, timestamps: Timestamps) -> None:
        self._health = health
        self._now = timestamps.now

    async def live(self) -> Answer:
        """Who can answer lives."""
        return Answer(200, {"success": True, "status": "healthy", "timestamp": self._now()})

    async def ready(self) -> Answer:
        """503 while requests should go elsewhere."""
        is_ready, checks = await self._health.check()
        state = {"timestamp": self._now(), "checks": checks}
        if is_ready:
            return Answer(200, {"success": True, "status": "ready", **state})
        error = {"success": False, "error": "Not ready", "message": "Please send requests elsewhere."}
        return Answer(503, {**error, "status": "not ready", **state})


class HealthDoor(AnsweringDoor):
    """The way to them on port 3500. ``about``: what every path there tells of the service, if all is well."""

    _log = Logger()

    def __init__(self, vitals: Vitals, origins: Origins, about: Mapping[str, Any]) -> None:
        self._origins = origins
        self._about = about
        self._answers = {"/health": vitals.live, "/health/live": vitals.live, "/health/ready": vitals.ready}
        self._answers |= {f"{path}/": answer for path, answer in self._answers.items()}

    def knows(self, path: str) -> bool:
        """Whether ``path`` is one of health's."""
        return path in self._answers

    async def answer(self, arrival: Arrival) -> None:
        asked = arrival.asked
        try:
            answer = await self._answers[asked.path]()
        except CancelledError:
            # The client has gone.
            raise
        except Exception as error:
            answer = refusal(error, self._log)
        body = {**self._about, **answer.body} if answer.status == 200 else answer.body
        cors = self._origins.response_headers(asked.origin, asked.headers.get("host"))
        arrival.respond(answer.status, fields(answer, cors), jsontext.encode_bytes(body))
