"""What a common message costs on an open connection, in calls rather than in seconds."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs

from tests.support.calls import calls_of
from tests.support.websockets import BINARY, TEXT, Recorder, client_frame, connect
from yekta.websocket.factory import WebSocketFactory
from yekta.websocket.limits import Limits

MESSAGES = 50

FRAMES = {
    "text": client_frame(TEXT, b"hello"),
    "long text": client_frame(TEXT, b"a" * 300),
    "fragmented text": client_frame(TEXT, b"a", fin=False) + client_frame(0, b"b"),
    "binary": client_frame(BINARY, b"\x00"),
}


@pytest.mark.parametrize("kind", FRAMES)
def test_a_message_makes_no_deferred_and_no_log_line(kind: str) -> None:
    clock = Clock()
    replying = Recorder(lambda it, _: it.websocket.send_text("reply"))
    recorder, client = connect(WebSocketFactory(clock, Limits(ping_interval=25.0)), clock, replying)
    receive, data = client.transport.protocol.dataReceived, FRAMES[kind]
    waiting = len(clock.getDelayedCalls())

    def echo() -> None:
        for _ in range(MESSAGES):
            receive(data)

    with capturedLogs() as lines:
        counted = calls_of(echo)
    assert len(recorder.messages()) == len(client.texts()) == MESSAGES
    assert counted[f"{__name__}.{Recorder.__module__}"] == 0
    assert lines == []
    assert len(clock.getDelayedCalls()) == waiting
    made = [name for name in counted if name.startswith(("twisted.internet.defer.", "twisted.logger.", "txaio."))]
    assert made == []
    client.transport.lose()


def test_a_common_text_echo_is_a_dozen_calls_of() -> None:
    clock = Clock()
    _, client = connect(
        WebSocketFactory(clock, Limits()), clock, Recorder(lambda it, _: it.websocket.send_text("reply"))
    )
    receive, data = client.transport.protocol.dataReceived, FRAMES["text"]
    counted = calls_of(lambda: receive(data))
    ours = {name: times for name, times in counted.items() if name.startswith(("yekta.", "autobahn."))}
    assert sum(ours.values()) <= 16, ours
    assert not [name for name in ours if "trafficStats" in name or "validate" in name]
    client.transport.lose()


def test_the_counter_itself_sees_deferreds() -> None:
    assert calls_of(Deferred)["twisted.internet.defer.Deferred.__init__"] == 1
