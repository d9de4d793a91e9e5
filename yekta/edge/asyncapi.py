"""The AsyncAPI 3.0 document of the events, made from the declarations that the dispatcher checks them by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from yekta import __version__
from yekta.app import about
from yekta.app.dispatcher import Event

_REF = "#/components/schemas/{name}"


def document(events: Mapping[str, Event]) -> dict[str, Any]:
    """The whole document, ready for JSON. One channel, whichever door leads to it."""
    shapes = [event.shape for event in events.values() if event.shape is not None]
    schemas, components = msgspec.json.schema_components(shapes, ref_template=_REF)
    payloads = dict(zip(shapes, schemas, strict=True))
    messages = {_key(name): _message(name, event, payloads) for name, event in events.items()}
    messages |= {_key(name): {"name": name, "payload": {}} for name in about.SERVER_EVENTS}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": about.API_NAME, "version": __version__, "description": about.DESCRIPTION},
        "channels": {
            "connection": {
                "description": "Socket.IO, or native WebSocket with frames of {event, data}",
                "messages": {key: {"$ref": f"#/components/messages/{key}"} for key in messages},
            }
        },
        "operations": {
            "fromClient": _operation("receive", events),
            "toClient": _operation("send", about.SERVER_EVENTS),
        },
        "components": {"messages": messages, "schemas": components},
    }


def _message(name: str, event: Event, payloads: dict[type, Any]) -> dict[str, Any]:
    return {"name": name, "payload": {} if event.shape is None else payloads[event.shape]}


def _operation(action: str, names: Any) -> dict[str, Any]:
    messages = [{"$ref": f"#/channels/connection/messages/{_key(name)}"} for name in names]
    return {"action": action, "channel": {"$ref": "#/channels/connection"}, "messages": messages}


def _key(name: str) -> str:
    """A name as references allow it."""
    return name.replace(":", "_")
