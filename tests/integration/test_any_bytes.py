"""Whatever arrives, by any transport and in any protocol, ends in a clean refusal or close: nothing is logged, nobody
else notices, nothing is left."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.logger import capturedLogs

from tests.support.library import JAVASCRIPT, PATH, Library, PollingClient, SocketClient
from tests.support.lives import furnish
from tests.support.memory import compose
from tests.support.websockets import BINARY, HANDSHAKE, TEXT, client_frame
from yekta.engineio import eio3
from yekta.engineio.packet import encode_payload
from yekta.socketio.admin import AdminSettings, instrument
from yekta.socketio.recovery import Settings as Recovery

PROTOCOLS = st.sampled_from([3, 4])

# What a client may well say; mutated, it gets further into the house than noise does.
MESSAGES: list[str | bytes] = [
    "40", '40{"token":"x","pid":"y","offset":"z"}', "40/dyn-1,", "40/dyn-2?token=x,", '40/admin,{"username":"a"}',
    '42["echo",1,{"a":[null]}]', '421["echo","سلام 😀"]', '42/dyn-1,["ask"]', '42["slow"]', '42["all","x"]',
    '451-["echo",{"_placeholder":true,"num":0}]', b"\x01\x02", "431[1]", '461-1[{"_placeholder":true,"num":0}]',
    "41", "41/dyn-1,", '44{"message":"x"}', "1", "2", "2probe", "3", "5", "6",
    msgspec.msgpack.encode({"type": 0, "nsp": "/", "data": {"token": "x"}}),
    msgspec.msgpack.encode({"type": 2, "nsp": "/", "data": ["echo", b"\x01"], "id": 1}),
]  # fmt: skip

NOISE = st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace"))


@st.composite
def mutated(draw: st.DrawFn, data: bytes) -> bytes:
    """``data`` with a few bytes lost, added or exchanged."""
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(data)))
        data = data[:place] + draw(st.binary(max_size=4)) + data[place + draw(st.integers(0, 4)) :]
    return data


def raw(message: str | bytes) -> bytes:
    return message if isinstance(message, bytes) else message.encode()


CONVERSATIONS = st.lists(st.sampled_from(MESSAGES), max_size=6)
FRAMES = st.lists(st.tuples(st.booleans(), st.sampled_from(MESSAGES).map(raw).flatmap(mutated) | NOISE), max_size=6)


@contextmanager
def unharmed() -> Iterator[Library]:
    """A library with everything in it. Afterwards its other client is well, nothing was logged, and nothing is left."""
    library = Library(allow_eio3=True, recovery=Recovery(), http_compression=1, cors_origins=["http://app.example"])
    furnish(library)
    instrument(library.server, AdminSettings("admin", "secret"))
    with capturedLogs() as lines:
        other = library.joined()
        other.heard()
        yield library
        other.say('2777["echo","still here"]')
        assert '3777["still here"]' in other.heard()
        library.clock.advance(0.2)
        library.end()
    failures = [line["log_failure"] for line in lines if "log_failure" in line]
    assert failures == []


def assert_answered(library: Library, client: PollingClient, body: bytes, **headers: str) -> None:
    answer = library.ask(client.query(), "POST", headers, body).next_answer()
    assert (answer.status, answer.body) == (200, b"ok") or (answer.status == 400 and not client.open), answer


@given(PROTOCOLS, CONVERSATIONS, st.data())
@settings(max_examples=300, deadline=None)
def test_any_post(protocol: int, conversation: list[str | bytes], data: st.DataObject) -> None:
    binary = protocol == 3 and data.draw(st.booleans())
    if protocol == 3:
        content_type, payload = eio3.encode_payload(conversation, binary)
    else:
        content_type, payload = "text/plain", encode_payload(conversation).encode()
    with unharmed() as library:
        client = library.client("polling", headers=JAVASCRIPT, protocol=protocol)
        assert isinstance(client, PollingClient)
        body = data.draw(mutated(payload) | NOISE)
        assert_answered(library, client, body, **{"Content-Type": content_type})


@given(PROTOCOLS, st.data())
@settings(max_examples=200, deadline=None)
def test_any_form_of_jsonp(protocol: int, data: st.DataObject) -> None:
    form = "d=4%30%1e42%5B%22echo%22%5D" if protocol == 4 else "d=2%3A40"
    with unharmed() as library:
        asked = library.ask(f"EIO={protocol}&transport=polling&j=0").next_answer()
        sid = re.findall(rb'sid\\":\\"([\w-]+)', asked.body)[0].decode()
        body = data.draw(mutated(form.encode()) | NOISE)
        answer = library.ask(f"EIO={protocol}&transport=polling&j=0&sid={sid}", "POST", {}, body).next_answer()
        assert answer.status == (200 if answer.body == b"ok" else 400)


@given(PROTOCOLS, st.sampled_from(["websocket", "upgraded"]), FRAMES)
@settings(max_examples=400, deadline=None)
def test_any_messages_on_a_websocket(protocol: int, kind: str, frames: list[tuple[bool, bytes]]) -> None:
    with unharmed() as library:
        client = library.client(kind, headers=JAVASCRIPT, protocol=protocol)
        assert isinstance(client, SocketClient)
        for is_text, payload in frames:
            client.websocket.send(client_frame(TEXT if is_text else BINARY, payload))
        assert client.open or client.closing() is not None


@given(FRAMES)
@settings(max_examples=100, deadline=None)
def test_any_messages_on_a_probe(frames: list[tuple[bool, bytes]]) -> None:
    with unharmed() as library:
        client = library.client("polling")
        assert isinstance(client, PollingClient)
        probe = library.http()
        probe.send(compose("GET", f"{PATH}?{client.query('websocket')}", HANDSHAKE))
        for is_text, payload in frames:
            probe.send(client_frame(TEXT if is_text else BINARY, payload))
        assert client.open or any(payload[:1] == b"1" for _, payload in frames)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_any_bytes_on_a_websocket(data: st.DataObject) -> None:
    stream = b"".join(client_frame(TEXT, raw(message)) for message in data.draw(CONVERSATIONS))
    with unharmed() as library:
        client = library.client()
        assert isinstance(client, SocketClient)
        client.websocket.send(data.draw(mutated(stream) | NOISE))
        library.turn()


REQUESTS = [
    compose("GET", f"{PATH}?EIO=4&transport=polling&t=x", {"Accept-Encoding": "gzip", "Origin": "http://app.example"}),
    compose("GET", f"{PATH}?EIO=4&transport=websocket", HANDSHAKE) + client_frame(TEXT, b"40"),
    compose("POST", f"{PATH}?EIO=3&transport=polling&sid=x&j=1", {"Content-Type": eio3.BINARY}, b"d=2:40"),
    compose("OPTIONS", PATH, {"Origin": "http://app.example", "Access-Control-Request-Method": "POST"}),
]


@given(st.sampled_from(REQUESTS).flatmap(mutated) | NOISE)
@settings(max_examples=300, deadline=None)
def test_any_request(request: bytes) -> None:
    with unharmed() as library:
        library.http().send(request)
        library.turn()
