"""A generation under way: time limits, back-pressure, cancellation."""

from __future__ import annotations

from contextlib import suppress

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.task import Clock
from twisted.web.iweb import IAgentEndpointFactory
from zope.interface import implementer

from tests.ai.client import ASKED, Client, failure_of
from tests.support.forgotten import Listener, forgotten
from tests.support.openai import Done, Raw, Stay, Text, Wait, chunk, event
from tests.support.patience import turn
from yekta.ai.chat import ChatProvider, ChatSettings
from yekta.ai.generation import ChatGeneration
from yekta.ai.http import make_agent
from yekta.ai.patience import Patience
from yekta.ai.provider import Kind, ProviderError

PATIENCE = Patience(first_byte=10, idle=5, total=30, linger=1)


@pytest_twisted.ensureDeferred
async def test_the_first_byte_has_a_time_limit(server, client):
    server.script(Stay())
    arrival = server.arrival()
    generation = client.generate(patience=PATIENCE)
    request = await arrival
    client.clock.advance(9.9)
    assert not generation.done.called
    client.clock.advance(0.2)
    assert (await failure_of(generation)).kind is Kind.TIMEOUT
    await request.gone


@pytest_twisted.ensureDeferred
async def test_silence_has_a_time_limit(server, client):
    server.script(Text("x"), Stay())
    generation = client.generate(patience=PATIENCE)
    await client.first_text
    client.clock.advance(4.9)
    assert not generation.done.called
    client.clock.advance(0.2)
    assert (await failure_of(generation)).kind is Kind.TIMEOUT
    await server.requests[0].gone


@pytest_twisted.ensureDeferred
async def test_silence_begins_with_what_came_last_also_after_a_pause(server, client):
    gate: Deferred[None] = Deferred()
    server.script(Text("x"), Wait(gate), Text("y"), Stay())
    generation = client.generate(patience=PATIENCE)
    await client.first_text
    generation.pause()
    generation.resume()
    client.clock.advance(3)
    gate.callback(None)
    while client.texts != ["x", "y"]:
        await turn()
    client.clock.advance(4.9)
    assert not generation.done.called
    client.clock.advance(0.2)
    assert (await failure_of(generation)).kind is Kind.TIMEOUT


@pytest_twisted.ensureDeferred
async def test_silence_begins_with_the_end_of_a_pause_and_with_no_other(server, client):
    server.script(Text("x"), Stay())
    generation = client.generate(patience=PATIENCE)
    await client.first_text
    generation.pause()
    client.clock.advance(20)
    generation.resume()
    client.clock.advance(3)
    generation.resume()
    client.clock.advance(1.9)
    assert not generation.done.called
    client.clock.advance(0.2)
    assert generation.done.called
    assert (await failure_of(generation)).kind is Kind.TIMEOUT


@pytest_twisted.ensureDeferred
async def test_paused_by_the_receiver_it_is_not_silent(server, client):
    server.script(Text("x"), Stay())
    client.text_received = lambda text: (generation.pause(), Client.text_received(client, text))
    generation = client.generate(patience=PATIENCE)
    await client.first_text
    client.clock.advance(20)
    assert not generation.done.called
    generation.resume()
    client.clock.advance(5.1)
    assert generation.done.called
    assert (await failure_of(generation)).kind is Kind.TIMEOUT


@pytest_twisted.ensureDeferred
async def test_the_whole_has_a_time_limit_even_while_paused(server, client):
    server.script(Text("x"), Stay())
    generation = client.generate(patience=PATIENCE)
    await client.first_text
    generation.pause()
    client.clock.advance(29.9)
    assert not generation.done.called
    client.clock.advance(0.2)
    assert (await failure_of(generation)).kind is Kind.TIMEOUT


@pytest_twisted.ensureDeferred
async def test_a_complete_answer_does_not_wait_for_the_connection(server, client):
    server.script(Text("x"), Done(), Stay())
    generation = client.generate(patience=PATIENCE)
    await client.first_text
    # [DONE] may come in a later read than the text; the linger begins with it.
    while not generation.done.called:
        await turn()
        client.clock.advance(0.5)
    assert (await generation.done).finish_reason == "stop"
    assert client.clock.seconds() < PATIENCE.idle
    await server.requests[0].gone


@pytest_twisted.ensureDeferred
async def test_an_empty_answer_fails_without_waiting_for_the_connection_either(server, client):
    server.script(Done(), Stay())
    arrived = server.arrival()
    generation = client.generate(patience=PATIENCE)
    await arrived
    while not generation.done.called:
        await turn()
        client.clock.advance(0.01)
    assert (await failure_of(generation)).kind is Kind.EMPTY
    await server.requests[0].gone


@pytest_twisted.ensureDeferred
async def test_paused_it_does_not_read(server, client):
    server.script(Text("x"), Raw(b": padding\n" * 1_000_000), Text("y"), Done())
    generation = client.generate(patience=PATIENCE)
    await client.first_text
    assert client.is_reading()
    generation.pause()
    assert not client.is_reading()
    client.clock.advance(20)
    generation.resume()
    assert client.is_reading()
    assert (await generation.done).finish_reason == "stop"
    assert client.texts == ["x", "y"]


@pytest_twisted.ensureDeferred
async def test_paused_before_the_head_it_does_not_read_the_body(server, client):
    gate: Deferred[None] = Deferred()
    server.script(Wait(gate), Text("x"), Raw(b": padding\n" * 1_000_000), Done())
    arrival = server.arrival()
    generation = client.generate()
    generation.pause()
    await arrival
    gate.callback(None)
    while client.is_reading():
        await turn()
    assert not generation.done.called
    generation.resume()
    await generation.done


@implementer(IAgentEndpointFactory, IStreamClientEndpoint)
class NeverConnects:
    def __init__(self) -> None:
        self.connecting: Deferred[None] = Deferred()

    def endpointForURI(self, uri):
        return self

    def connect(self, factory):
        return self.connecting


@pytest.fixture
def unconnected(client):
    agent = make_agent(reactor, client.pool, NeverConnects())
    settings = ChatSettings("http://never/v1", "m", patience=PATIENCE)
    return ChatProvider("test", settings, agent, client.clock).generate(ASKED, client.text_received)


@pytest_twisted.ensureDeferred
async def test_cancelled_while_connecting(unconnected):
    unconnected.cancel()
    with pytest.raises(CancelledError):
        await unconnected.done


@pytest_twisted.ensureDeferred
async def test_connecting_counts_as_waiting_for_the_first_byte(client, unconnected):
    client.clock.advance(10)
    assert (await failure_of(unconnected)).kind is Kind.TIMEOUT


@pytest.mark.parametrize("paused", [False, True])
@pytest_twisted.ensureDeferred
async def test_cancelled_before_the_head(server, client, paused):
    server.script(Wait(Deferred()))
    arrival = server.arrival()
    generation = client.generate()
    if paused:
        generation.pause()
    request = await arrival
    generation.cancel()
    with pytest.raises(CancelledError):
        await generation.done
    await request.gone


@pytest.mark.parametrize("paused", [False, True])
@pytest_twisted.ensureDeferred
async def test_cancelled_amid_the_body(server, client, paused):
    server.script(Text("x"), Stay())
    generation = client.generate()
    await client.first_text
    if paused:
        generation.pause()
    generation.cancel()
    with pytest.raises(CancelledError):
        await generation.done
    await server.requests[0].gone


@pytest_twisted.ensureDeferred
async def test_cancelled_by_the_receiver_it_sends_no_more_text(server, client):
    server.script(Raw(event(chunk("a")) + event(chunk("b"))), Stay())
    texts = []

    def receive(text: str) -> None:
        texts.append(text)
        generation.cancel()

    generation = client.provider().generate(ASKED, receive)
    with pytest.raises(CancelledError):
        await generation.done
    # Later than the rest of what was read, "b" included.
    await server.requests[0].gone
    assert texts == ["a"]


@pytest_twisted.ensureDeferred
async def test_after_the_end_nothing_does_harm(server, client):
    generation = client.generate()
    await generation.done
    generation.pause()
    generation.resume()
    generation.cancel()
    await client.generate().done
    assert server.connections == 1


@pytest_twisted.ensureDeferred
async def test_an_error_of_the_receiver_comes_back_to_it(server, client):
    server.script(Text("x"), Stay())

    def receive(text: str) -> None:
        raise KeyError(1)

    with pytest.raises(KeyError):
        await client.provider().generate(ASKED, receive).done
    await server.requests[0].gone


@pytest.mark.parametrize("end", [Done(), Raw(b"nonsense"), Stay()])
@pytest_twisted.ensureDeferred
async def test_one_that_is_over_holds_on_to_nobody(server, client, end):
    server.script(Text("x"), end)
    with forgotten() as expect:
        expect(listener := Listener())
        generation = client.provider().generate(ASKED, listener.hear)
        while not listener.texts:
            await turn()
        del listener
        if isinstance(end, Stay):
            generation.cancel()
        with suppress(ProviderError, CancelledError):
            await generation.done


@pytest.mark.parametrize("end", ["cancelled", "late", "refused"])
def test_a_generation_that_is_over_is_forgotten(end):
    with forgotten() as expect:
        clock, request = Clock(), Deferred()
        generation = ChatGeneration(clock, PATIENCE, 1000, print, 1000)
        expect(generation)
        generation.done.addErrback(lambda _: None)
        generation.start(request)
        if end == "cancelled":
            generation.cancel()
        elif end == "late":
            clock.advance(PATIENCE.total)
        else:
            request.errback(ValueError())
        del generation, request
