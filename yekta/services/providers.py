"""The OpenAI-compatible servers of the settings, in the order in which they are asked."""

from __future__ import annotations

from typing import Any

from twisted.web.client import HTTPConnectionPool

from yekta.ai.chat import ChatProvider, ChatSettings
from yekta.ai.http import HostEndpoints, make_agent
from yekta.ai.patience import Patience
from yekta.services.config import ConfigError, Settings


def remote(reactor: Any, pool: HTTPConnectionPool, settings: Settings) -> list[ChatProvider]:
    """One provider for each part of AI_BASE_URL. Raises :class:`ConfigError`."""
    endpoints = HostEndpoints(reactor, settings.ai_connect_timeout)
    agent = make_agent(reactor, pool, endpoints)
    patience = Patience(
        first_byte=settings.ai_first_byte_timeout,
        idle=settings.ai_idle_timeout,
        total=settings.ai_total_timeout,
    )
    return [
        ChatProvider(
            model,
            ChatSettings(
                url,
                model,
                key or None,
                max_characters=settings.ai_max_characters,
                max_line=settings.ai_max_line,
                patience=patience,
            ),
            agent,
            reactor,
        )
        for url, model, key in servers(settings)
    ]


def servers(settings: Settings) -> list[tuple[str, str, str]]:
    """The address, the model and the key of each part of AI_BASE_URL. Raises :class:`ConfigError`."""
    urls = settings.ai_base_url
    if not urls:
        return []
    models = _one_each("AI_MODEL", settings.ai_model, urls)
    keys = _one_each("AI_API_KEY", settings.ai_api_key, urls)
    return list(zip(urls, models, keys, strict=True))


def _one_each(name: str, values: tuple[str, ...], urls: tuple[str, ...]) -> tuple[str, ...]:
    # Only what can be said to everybody may be given once: a key is for its own server.
    if len(values) == 1 and (name == "AI_MODEL" or not values[0]):
        return values * len(urls)
    if len(values) != len(urls):
        raise ConfigError(f"{name} must have as many parts as AI_BASE_URL, {len(urls)}, not {len(values)}.")
    return values
