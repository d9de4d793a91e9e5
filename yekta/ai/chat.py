"""A provider that speaks OpenAI's chat completions API: the request half.

``POST {base_url}/chat/completions`` with ``stream: true``, over treq and an injected agent. How the body is
read is ``generation.py``, what it means ``answer.py``. Knows no system prompt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs
from treq.client import HTTPClient
from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.interfaces import IConsumer, IReactorTime
from twisted.web.iweb import IAgent, IBodyProducer, IResponse
from zope.interface import implementer

from yekta import __version__, jsontext
from yekta.ai.generation import ChatGeneration
from yekta.ai.http import drop
from yekta.ai.patience import Patience
from yekta.ai.provider import IGeneration, IProvider, Message
from yekta.ai.sse import LINE_LIMIT


@attrs.frozen
class ChatSettings:
    """Where and how to ask.

    ``base_url`` ends before ``/chat/completions``. ``max_tokens`` is asked of the provider, while
    ``max_characters`` is enforced here: a longer answer fails as ``TOO_LONG``; so is ``max_line``, in bytes.
    """

    base_url: str
    model: str
    api_key: str | None = attrs.field(default=None, repr=False)
    max_tokens: int | None = None
    max_characters: int = 32_768
    max_line: int = LINE_LIMIT
    patience: Patience = attrs.field(factory=Patience)


@implementer(IProvider)
@attrs.frozen(eq=False)
class ChatProvider:
    """Asks one server. ``agent`` comes from :func:`yekta.ai.http.make_agent`."""

    name: str
    _settings: ChatSettings
    _agent: IAgent
    _clock: IReactorTime

    def generate(
        self, messages: Sequence[Message], text_received: Callable[[str], None], locale: str = "fa"
    ) -> IGeneration:
        settings = self._settings
        generation = ChatGeneration(
            self._clock, settings.patience, settings.max_characters, text_received, settings.max_line
        )
        generation.start(self._request("POST", "/chat/completions", jsontext.encode(self._asked(messages))))
        return generation

    def check(self) -> Deferred[bool]:
        """Whether ``GET {base_url}/models`` finds a server that lets us in; one without that path is fine."""
        answered = self._request("GET", "/models", None).addCallback(_welcome)
        answered.addTimeout(self._settings.patience.check, self._clock)
        return answered.addErrback(lambda _: False)

    def _asked(self, messages: Sequence[Message]) -> dict[str, Any]:
        asked: dict[str, Any] = {
            "model": self._settings.model,
            "messages": [{"role": message.role, "content": message.content} for message in messages],
            "stream": True,
        }
        if self._settings.max_tokens is not None:
            asked["max_tokens"] = self._settings.max_tokens
        return asked

    def _request(self, method: str, path: str, body: str | None) -> Deferred[IResponse]:
        # A new client each time: its cookies would otherwise link one person's request to the next.
        client = HTTPClient(self._agent, data_to_body_producer=_Body)
        # A URL that is none is said so by an exception, not by the Deferred.
        response: Deferred[IResponse] = maybeDeferred(
            client.request,
            method,
            self._settings.base_url.rstrip("/") + path,
            headers=self._headers(),
            data=None if body is None else body.encode(),
            allow_redirects=False,
            unbuffered=True,
            reactor=self._clock,
        )
        return response

    def _headers(self) -> dict[str, str]:
        headers = {
            "User-Agent": f"yekta/{__version__}",
            "Content-Type": "application/json",
            "Accept": "text/event-stream, application/json",
        }
        if self._settings.api_key:
            headers["Authorization"] = f"Bearer {self._settings.api_key}"
        return headers


def _welcome(response: IResponse) -> bool:
    drop(response)
    return response.code < 500 and response.code not in (401, 403)


@implementer(IBodyProducer)
class _Body:
    """Writes a small body at once; treq's own would write it in slices, timed by the global reactor."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.length = len(body)

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:
        consumer.write(self._body)
        return succeed(None)

    def pauseProducing(self) -> None: ...

    def resumeProducing(self) -> None: ...

    def stopProducing(self) -> None: ...
