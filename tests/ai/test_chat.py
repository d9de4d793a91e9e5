"""The chat provider: what it asks, and what it makes of answers good and bad."""

from __future__ import annotations

import gzip
import json

import pytest
import pytest_twisted
from twisted.internet.defer import CancelledError, Deferred
from zope.interface.verify import verifyObject

from tests.ai.client import ASKED, SECRET
from tests.support.openai import Abort, Done, Head, Raw, Stay, Text, Wait, chunk, event
from tests.support.patience import turn
from yekta import __version__
from yekta.ai.chat import ChatSettings
from yekta.ai.provider import Completion, IGeneration, IProvider, Kind

PERSIAN = "سلام، حال شما چطور است؟ 🌱"


@pytest_twisted.ensureDeferred
async def test_text_arrives_in_pieces_and_then_the_completion(server, client):
    usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    server.script(Text("one "), Text("two"), Done("stop", usage))
    completion = await client.generate().done
    assert client.texts == ["one ", "two"]
    assert completion == Completion("stop")


@pytest_twisted.ensureDeferred
async def test_text_is_passed_on_as_it_arrives(server, client):
    gate: Deferred[None] = Deferred()
    server.script(Text("early"), Wait(gate), Text(" late"), Done())
    generation = client.generate()
    await client.first_text
    assert client.texts == ["early"]
    gate.callback(None)
    await generation.done
    assert client.texts == ["early", " late"]


@pytest_twisted.ensureDeferred
async def test_what_is_asked(server, client):
    await client.generate(api_key="k-123", max_tokens=9).done
    (request,) = server.requests
    assert request.body == {
        "model": "m",
        "messages": [{"role": "user", "content": SECRET}],
        "stream": True,
        "max_tokens": 9,
    }
    assert request.headers["authorization"] == "Bearer k-123"
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["user-agent"] == f"yekta/{__version__}"
    assert request.headers["content-type"] == "application/json"


@pytest_twisted.ensureDeferred
async def test_what_was_not_set_is_not_asked(server, client):
    await client.generate().done
    (request,) = server.requests
    assert set(request.body) == {"model", "messages", "stream"}
    assert "authorization" not in request.headers


@pytest_twisted.ensureDeferred
async def test_a_connection_is_used_again(server, client):
    for _ in range(3):
        await client.generate().done
    assert server.connections == 1


@pytest.mark.parametrize("reset", [True, False])
@pytest_twisted.ensureDeferred
async def test_a_kept_connection_that_turns_out_to_be_closed_costs_no_answer(server, client, reset):
    await client.generate().done
    server.script(Abort(reset))
    await client.generate().done
    assert client.texts == ["Hello", " there"] * 2
    assert server.connections == 2
    assert [request.body for request in server.requests] == [server.requests[0].body] * 3


@pytest_twisted.ensureDeferred
async def test_a_request_is_repeated_once_and_on_a_new_connection(server, client):
    gate: Deferred[None] = Deferred()
    server.script(Wait(gate), Text("Hello"), Done())
    arrived = server.arrival()
    one = client.generate()
    # Whoever comes first has to wait.
    await arrived
    await client.generate().done
    gate.callback(None)
    await one.done
    # Two connections are kept, and both of them might be closed.
    server.script(Abort())
    server.script(Abort(reset=False))
    assert (await client.fail()).kind is Kind.INTERRUPTED
    assert (server.connections, len(server.requests)) == (3, 4)


@pytest.mark.parametrize("steps", [[Raw(b"")], [Text("half")], [Head(503), Raw(b"")]])
@pytest_twisted.ensureDeferred
async def test_what_was_answered_at_all_is_not_asked_again(server, client, steps):
    await client.generate().done
    server.script(*steps, Abort(reset=False))
    await client.fail()
    assert len(server.requests) == 2


@pytest_twisted.ensureDeferred
async def test_whoever_cancels_on_a_kept_connection_asks_nobody_again(server, client):
    await client.generate().done
    server.script(Wait(Deferred()))
    arrival = server.arrival()
    generation = client.generate()
    generation.done.addErrback(lambda failure: failure.trap(CancelledError))
    request = await arrival
    generation.cancel()
    await request.gone
    await generation.done
    await turn()
    assert (server.connections, len(server.requests)) == (1, 2)


@pytest_twisted.ensureDeferred
async def test_no_cookie_links_two_requests(server, client):
    headers = {"Content-Type": "text/event-stream", "Set-Cookie": "who=me; Path=/"}
    server.script(Head(200, headers), Text("Hello"), Done())
    await client.generate().done
    await client.generate().done
    assert "cookie" not in server.requests[1].headers


BODIES = {
    "crlf": event(chunk(PERSIAN)).replace(b"\n", b"\r\n") + b"data: [DONE]\r\n\r\n",
    "comments": b": keep-alive\n\n" + event(chunk(PERSIAN)) + b": x\n\ndata: [DONE]\n\n",
    "no blank line at the end": event(chunk(PERSIAN)) + b"data: [DONE]",
    "finish_reason without [DONE]": event(chunk(PERSIAN)) + event(chunk(None, finish_reason="stop")),
    "last chunk without newline": event(chunk(PERSIAN, finish_reason="stop")).rstrip(),
    "text after [DONE]": event(chunk(PERSIAN)) + b"data: [DONE]\n\n" + event(chunk("ghost")),
    "reasoning": event(chunk("hm", "reasoning_content")) + event(chunk("hm", "reasoning"))
    + event(chunk(PERSIAN, finish_reason="stop")),
    "empty and odd deltas": event(chunk("")) + event({"choices": []}) + event({"choices": [None]}) + event({})
    + event({"choices": [{"delta": {"content": 5}}]}) + event(chunk(PERSIAN, finish_reason="stop")),
}


@pytest.mark.parametrize("each_byte", [False, True])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
@pytest_twisted.ensureDeferred
async def test_bodies_that_are_fine(server, client, body, each_byte):
    server.script(Raw(body, each_byte))
    assert (await client.generate().done).finish_reason == "stop"
    assert client.texts == [PERSIAN]


@pytest_twisted.ensureDeferred
async def test_a_server_that_ignores_stream(server, client):
    answer = {"model": "x", "choices": [{"message": {"content": PERSIAN}, "finish_reason": "length"}]}
    head = Head(200, {"Content-Type": "application/json; charset=utf-8"})
    server.script(head, Raw(json.dumps(answer).encode(), each_byte=True))
    assert await client.generate().done == Completion("length")
    assert client.texts == [PERSIAN]


@pytest.mark.parametrize("head", [False, True])
@pytest_twisted.ensureDeferred
async def test_an_answer_without_text_that_tells_why_is_one(server, client, head):
    answer = {"choices": [{"message": {"content": ""}, "finish_reason": "content_filter"}]}
    server.script(*([JSON_HEAD, Raw(json.dumps(answer).encode())] if head else [Done("content_filter")]))
    assert await client.generate().done == Completion("content_filter")
    assert client.texts == []


JSON_HEAD = Head(200, {"Content-Type": "application/json"})
GZIP_HEAD = Head(200, {"Content-Type": "text/event-stream", "Content-Encoding": "gzip"})
HTML_HEAD = Head(200, {"Content-Type": "text/html; charset=utf-8"})
BROKEN = {
    "a page": ([HTML_HEAD, Raw(b"<h1>leak</h1>")], Kind.PROTOCOL),
    "not json": ([Raw(b"data: {oops\n\n")], Kind.PROTOCOL),
    "not an object": ([Raw(b"data: [1]\n\n")], Kind.PROTOCOL),
    "deep json": ([Raw(b"data: " + b"[" * 60_000 + b"\n\n")], Kind.PROTOCOL),
    "endless line": ([Raw(b"x" * 70_000), Stay()], Kind.PROTOCOL),
    "gzip": ([GZIP_HEAD, Raw(gzip.compress(event(chunk("x")))), Stay()], Kind.PROTOCOL),
    "no end": ([Text("half")], Kind.INTERRUPTED),
    "nothing": ([], Kind.INTERRUPTED),
    "reset": ([Text("half"), Abort()], Kind.INTERRUPTED),
    "reset at once": ([Abort()], Kind.INTERRUPTED),
    "error": ([Text("half"), Raw(event({"error": {"message": "leak"}})), Stay()], Kind.UNAVAILABLE),
    "error with a code": ([Raw(event({"error": {"message": "leak", "code": 429}})), Stay()], Kind.OVERLOADED),
    "error as text": ([Raw(event({"error": "leak"})), Stay()], Kind.UNAVAILABLE),
    "too long": ([Text("x" * 101), Stay()], Kind.TOO_LONG),
    "too long in pieces": ([*[Text("x")] * 101, Stay()], Kind.TOO_LONG),
    "json, not json": ([JSON_HEAD, Raw(b"leak")], Kind.PROTOCOL),
    "json, cut": ([JSON_HEAD, Raw(b'{"choices":'), Abort()], Kind.INTERRUPTED),
    "json, error": ([JSON_HEAD, Raw(b'{"error": {"message": "leak"}}')], Kind.UNAVAILABLE),
    "json, too long": ([JSON_HEAD, Raw(json.dumps({"choices": [{"message": {"content": "x" * 101}}]}).encode())],
                       Kind.TOO_LONG),
    "json, no completion": ([JSON_HEAD, Raw(b"{}")], Kind.PROTOCOL),
    "json, another answer": ([JSON_HEAD, Raw(b'{"detail":"leak"}')], Kind.PROTOCOL),
    "json, no choice": ([JSON_HEAD, Raw(b'{"choices":[]}')], Kind.PROTOCOL),
    "json, an odd choice": ([JSON_HEAD, Raw(b'{"choices":["leak"]}')], Kind.PROTOCOL),
    "json, an error object": ([JSON_HEAD, Raw(b'{"object":"error","message":"leak","code":404}')], Kind.REJECTED),
    "json, empty": ([JSON_HEAD, Raw(b'{"choices":[{"message":{"content":""},"finish_reason":"stop"}]}')], Kind.EMPTY),
    "an error object": ([Raw(event({"object": "error", "message": "leak"})), Stay()], Kind.UNAVAILABLE),
    "empty": ([Done()], Kind.EMPTY),
    "reasoning alone": ([Text("hm", "reasoning"), Done()], Kind.EMPTY),
    "json, endless": ([JSON_HEAD, Raw(b" " * 70_000), Stay()], Kind.TOO_LONG),
    "400": ([Head(400), Raw(b"leak")], Kind.REJECTED),
    "401": ([Head(401), Raw(b"leak")], Kind.REJECTED),
    "404": ([Head(404), Raw(b"leak")], Kind.REJECTED),
    "302": ([Head(302, {"Location": "/leak"})], Kind.REJECTED),
    "413": ([Head(413), Raw(b"leak")], Kind.TOO_LONG),
    "429": ([Head(429), Raw(b"leak")], Kind.OVERLOADED),
    "500": ([Head(500), Raw(b"leak")], Kind.UNAVAILABLE),
    "503": ([Head(503), Raw(b"leak" * 100_000), Stay()], Kind.OVERLOADED),
    "504": ([Head(504)], Kind.TIMEOUT),
}


@pytest.mark.parametrize(("steps", "kind"), BROKEN.values(), ids=BROKEN.keys())
@pytest_twisted.ensureDeferred
async def test_answers_that_fail(server, client, steps, kind):
    server.script(*steps)
    error = await client.fail(max_characters=100)
    assert (error.kind, str(error)) == (kind, kind.value)
    assert sum(map(len, client.texts)) <= 100
    if steps[-1:] == [Stay()]:
        await server.requests[0].gone


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7.0), ("soon", None), ("Thu, 01 Jan 1970 00:01:40 GMT", 90.0)],
)
@pytest_twisted.ensureDeferred
async def test_retry_after(server, client, value, seconds):
    client.clock.ahead = 10
    server.script(Head(429, {"Retry-After": value}))
    error = await client.fail()
    assert (error.status, error.retry_after, error.retryable) == (429, seconds, True)


@pytest_twisted.ensureDeferred
async def test_nobody_listens(server, client):
    await server.stop()
    assert (await client.fail()).kind is Kind.UNREACHABLE
    await server.start()


@pytest_twisted.ensureDeferred
async def test_a_name_that_does_not_exist(client):
    assert (await client.fail(base_url="http://nowhere.invalid/v1")).kind is Kind.UNREACHABLE


@pytest.mark.parametrize("url", ["http://localhost:abc/v1", "http://[::1/v1", "http://ho st/v1", "ftp://h/v1"])
@pytest_twisted.ensureDeferred
async def test_where_nothing_can_be_asked_is_out_of_reach(client, url):
    assert await client.provider(base_url=url).check() is False
    assert (await client.fail(base_url=url)).kind is Kind.UNREACHABLE


@pytest.mark.parametrize(("status", "well"), [(200, True), (404, True), (401, False), (500, False)])
@pytest_twisted.ensureDeferred
async def test_check(server, client, status, well):
    server.models_status = status
    assert await client.provider().check() is well


@pytest_twisted.ensureDeferred
async def test_check_without_a_server(server, client):
    await server.stop()
    assert await client.provider().check() is False
    await server.start()


@pytest_twisted.ensureDeferred
async def test_interfaces(client):
    provider = client.provider()
    assert verifyObject(IProvider, provider)
    generation = provider.generate(ASKED, client.text_received)
    assert verifyObject(IGeneration, generation)
    await generation.done


@pytest_twisted.ensureDeferred
async def test_headers_that_are_not_text(server, client):
    server.script(Head(429, {"Retry-After": "\xff"}), Stay())
    error = await client.fail()
    assert (error.kind, error.retry_after) == (Kind.OVERLOADED, None)
    await server.requests[0].gone


def test_nothing_private_shows(client):
    settings = ChatSettings("http://127.0.0.1/v1", "m", api_key="k-123")
    assert "k-123" not in repr(settings)
    assert SECRET not in repr(ASKED)
