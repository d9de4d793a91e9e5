"""Somebody who follows answers, without a connection, and puts together what was read as a client would."""

from __future__ import annotations

from typing import Any

from yekta.app.readers import Reader


class FakeReader(Reader):
    """``heard``: every event. It takes nothing while ``is_slow``. ``texts``: what was read, by message id."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[tuple[str, Any]] = []
        self.is_slow = False
        self.texts: dict[str, str] = {}

    @property
    def flowing(self) -> bool:
        return not self.is_slow

    def send(self, event: str, data: Any) -> None:
        self.heard.append((event, data))
        if event == "ai:response:chunk":
            text = self.texts.get(data["messageId"], "")
            # Nothing is missing and nothing is said twice, unless it is a replay.
            assert data["offset"] == len(text) or (data.get("replay") and data["offset"] < len(text))
            self.texts[data["messageId"]] = text[: data["offset"]] + data["chunk"]

    def chunks(self) -> list[str]:
        """The text of each chunk."""
        return [data["chunk"] for event, data in self.heard if event == "ai:response:chunk"]

    def keep_up(self) -> None:
        """It has read everything."""
        self.is_slow = False
        self.drained()
