"""One event on the wire, whatever is in it."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.web.test.requesthelper import DummyRequest

from yekta.edge.sse import EventStream


@pytest.mark.parametrize(
    ("event", "data", "written"),
    [
        ("ai:response:start", {"messageId": "m"}, 'event: start\ndata: {"messageId":"m"}\n\n'),
        ("ai:response:chunk", "a\nb\r\n\ndata: x", 'event: chunk\ndata: "a\\nb\\r\\n\\ndata: x"\n\n'),
        ("error", "سلام", 'event: error\ndata: "سلام"\n\n'),
    ],
)
def test_an_event_is_two_lines_and_its_data_has_no_line_break(event: str, data: Any, written: str) -> None:
    request = DummyRequest([b""])
    EventStream(request).send(event, data)
    assert b"".join(request.written).decode() == written


def test_a_stream_is_neither_stored_nor_buffered_on_its_way() -> None:
    request = DummyRequest([b""])
    EventStream(request)
    headers = {name: request.responseHeaders.getRawHeaders(name) for name in ("cache-control", "x-accel-buffering")}
    assert headers == {"cache-control": ["no-store"], "x-accel-buffering": ["no"]}
