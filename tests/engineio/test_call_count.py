"""What a polling round trip costs on the short path, in calls rather than in seconds. The numbers may only go down."""

from __future__ import annotations

import pytest

from tests.support.calls import calls_of
from tests.support.engines import Gateway
from tests.support.memory import compose

POLL = "/socket.io/?EIO=4&transport=polling"
PAGE = {
    "Accept": "*/*",
    "Accept-Encoding": "gzip, deflate, br",
    "Accept-Language": "en",
    "Connection": "keep-alive",
    "Content-Type": "text/plain;charset=UTF-8",
    "Origin": "http://app.example",
    "User-Agent": "Mozilla/5.0",
}


@pytest.mark.parametrize(("method", "body", "most"), [("POST", b"4hello", 39), ("GET", b"", 31)])
def test_a_request_of_a_polling_client_is_a_few_dozen_calls(method: str, body: bytes, most: int) -> None:
    gateway = Gateway(lambda user, data: user.connection.send(data))
    client = gateway.open()
    target = f"{POLL}&sid={client.sid}"
    http = gateway.client()
    post, poll = compose("POST", target, PAGE, b"4hello"), compose("GET", target, PAGE)
    for data in (post, poll) * 2 if method == "POST" else (post, poll, post):
        http.send(data)
        gateway.turn()
    data = compose(method, target, PAGE, body)
    receive = http.transport.protocol.dataReceived
    counted = calls_of(lambda: receive(data))
    ours = {name: times for name, times in counted.items() if not name.startswith(("tests.", "twisted.internet.task"))}
    dear = ("twisted.web.", "twisted.internet.defer.", "twisted.logger.")
    assert not [name for name in ours if name.startswith(dear)]
    assert sum(ours.values()) <= most, ours
    gateway.end()
