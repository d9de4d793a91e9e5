"""The document of the events says what the dispatcher checks."""

from __future__ import annotations

from typing import Any

from yekta.app import about
from yekta.app.dispatcher import Event
from yekta.app.schemas import Cancel, Say
from yekta.edge.asyncapi import document

EVENTS = {
    "ping": Event(lambda *_: None),
    "message": Event(lambda *_: None, Say),
    "ai:cancel": Event(lambda *_: None, Cancel),
}


def resolve(whole: dict[str, Any], reference: str) -> Any:
    found: Any = whole
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


def references(part: Any) -> list[str]:
    if isinstance(part, list):
        return [reference for each in part for reference in references(each)]
    if not isinstance(part, dict):
        return []
    own = [part["$ref"]] if "$ref" in part else []
    return own + [reference for each in part.values() for reference in references(each)]


def test_every_reference_leads_somewhere() -> None:
    whole = document(EVENTS)
    found = references(whole)
    assert found
    for reference in found:
        resolve(whole, reference)


def test_an_event_has_the_schema_it_is_checked_by() -> None:
    whole = document(EVENTS)
    messages = whole["components"]["messages"]
    assert messages["ping"]["payload"] == {}
    schema = resolve(whole, messages["ai_cancel"]["payload"]["$ref"])
    assert schema["required"] == ["messageId"]
    assert resolve(whole, messages["message"]["payload"]["$ref"])["required"] == ["content"]


def test_every_event_of_both_directions_is_there() -> None:
    names = {message["name"] for message in document(EVENTS)["components"]["messages"].values()}
    assert names == {*EVENTS, *about.SERVER_EVENTS}
