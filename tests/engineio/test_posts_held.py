"""POSTs that ask for more than their client has fetched: what is left of them waits for its next poll."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.engines import Gateway, PollingClient, User, body
from tests.support.memory import HttpClient
from yekta.engineio.connection import OVERHEAD
from yekta.engineio.packet import Packet

Start = Callable[..., Gateway]

# Three of these answers may wait. Once two do, whoever was seen to poll meanwhile has to.
MOST, SIZE = 1000, 300 - OVERHEAD

ANSWER = "4" + "x" * SIZE


def _answer(user: User, data: Packet) -> None:
    user.connection.send("x" * SIZE)


@pytest.fixture
def gateway(start: Start) -> Gateway:
    return start(_answer, max_queued=MOST, drain_timeout=30.0, ping_interval=300.0)


@pytest.fixture
def client(gateway: Gateway) -> PollingClient:
    """One that has been seen to POST while a poll of its waits, and has fetched all."""
    client = gateway.open()
    poll = client.poll()
    assert client.post("4hello").body == b"ok"
    assert body(poll) == ANSWER
    return client


def hold(gateway: Gateway, client: PollingClient, most: int = 10) -> HttpClient:
    """A POST that asks for ``most`` answers."""
    post = client.request("POST", "\x1e".join(["4ask"] * most))
    assert body(post) is None
    assert len(gateway.user.messages()) == 1 + 2
    return post


def test_who_polls_meanwhile_gets_all_that_it_asks_for(gateway: Gateway, client: PollingClient) -> None:
    poll = client.poll()
    post = client.request("POST", "\x1e".join(["4ask"] * 20))
    answers, polls = 0, 0
    while body(post) is None and polls < 20:
        answers += (body(poll) or "").count(ANSWER)
        poll, polls = client.poll(), polls + 1
        gateway.turn()
    answers += (body(poll) or "").count(ANSWER)
    answers += (body(client.poll()) or "").count(ANSWER)
    assert (answers, gateway.user.reasons()) == (20, [])
    assert gateway.user.messages() == ["hello", *["ask"] * 20]
    assert polls >= 6


def test_each_of_many_posts_is_answered_once_all_of_it_is_handled(gateway: Gateway, client: PollingClient) -> None:
    assert [client.post("4ask").body for _ in range(2)] == [b"ok", b"ok"]
    third = client.request("POST", "4ask")
    assert body(third) is None
    assert body(client.poll()) == "\x1e".join([ANSWER] * 2)
    assert body(third) == "ok"
    assert body(client.poll()) == ANSWER


@pytest.mark.parametrize("packet", ["41", "bAAAA"], ids=["a text", "bytes"])
def test_what_may_ask_for_more_waits(gateway: Gateway, client: PollingClient, packet: str) -> None:
    client.post("4ask\x1e4ask")
    post = client.request("POST", packet)
    assert body(post) is None
    client.poll()
    assert body(post) == "ok"


@pytest.mark.parametrize("packet", ["3", "6"], ids=["a pong", "a noop"])
def test_what_asks_for_nothing_does_not_wait(gateway: Gateway, client: PollingClient, packet: str) -> None:
    client.post("4ask\x1e4ask")
    assert client.post(packet).body == b"ok"


def test_nor_does_the_end(gateway: Gateway, client: PollingClient) -> None:
    client.post("4ask\x1e4ask")
    assert client.post("1").body == b"ok"
    assert gateway.user.reasons() == ["transport close"]


def test_nothing_waits_while_less_than_half_of_what_may(gateway: Gateway, client: PollingClient) -> None:
    client.post("4ask")
    assert client.post("4ask").body == b"ok"


def test_nothing_waits_while_a_poll_does(gateway: Gateway, client: PollingClient) -> None:
    poll = client.poll()
    assert client.post("4a\x1e4b\x1e4c").body == b"ok"
    assert body(poll) == "\x1e".join([ANSWER] * 3)


def test_nothing_that_is_not_heard_any_more_waits(gateway: Gateway, client: PollingClient) -> None:
    client.post("4ask\x1e4ask")
    gateway.user.connection.close()
    assert client.post("4ask").body == b"ok"
    assert len(gateway.user.messages()) == 3


def test_who_was_not_seen_to_poll_meanwhile_waits_later(gateway: Gateway) -> None:
    """It may poll only once it has its answer; or its POST has come before its first poll."""
    client = gateway.open()
    assert client.post("4a\x1e4b\x1e4c").body == b"ok"
    assert body(client.poll()) == "\x1e".join([ANSWER] * 3)
    post = client.request("POST", "4a\x1e4b\x1e4c\x1e4d")
    assert body(post) is None
    assert body(client.poll()) == "\x1e".join([ANSWER] * 3)
    assert body(post) == "ok"
    # It is seen by now.
    assert client.post("4e").body == b"ok"
    assert body(client.request("POST", "4f")) is None


def test_nor_does_it_wait_for_long(gateway: Gateway) -> None:
    post = gateway.open().request("POST", "4a\x1e4b\x1e4c\x1e4d\x1e4e")
    gateway.clock.advance(0.9)
    assert gateway.user.reasons() == []
    gateway.clock.advance(0.1)
    assert body(post) == "ok"
    assert gateway.user.told[-1] == ("lost", "transport error", "slow consumer")


def test_nor_for_what_waits_before_it_has_asked(gateway: Gateway) -> None:
    client = gateway.open()
    client.post("4a\x1e4b\x1e4c")
    assert client.post("4\x1e4").status == 200
    assert gateway.user.told[-1] == ("lost", "transport error", "slow consumer")


def test_who_does_not_poll_after_all_has_it_when_its_time_is_over(gateway: Gateway, client: PollingClient) -> None:
    post = hold(gateway, client, 3)
    gateway.clock.advance(29.9)
    assert body(post) is None
    gateway.clock.advance(0.1)
    assert body(post) == "ok"
    assert body(client.poll()) == "\x1e".join([ANSWER] * 3)
    # Not once more, though it is seen again.
    poll = client.poll()
    client.post("4ask")
    assert body(poll) == ANSWER
    assert client.post("4a\x1e4b\x1e4c").body == b"ok"


def test_its_time_begins_anew_with_each_poll(gateway: Gateway, client: PollingClient) -> None:
    post = hold(gateway, client)
    for _ in range(3):
        gateway.clock.advance(20)
        assert (body(client.poll()) or "").count(ANSWER) == 2
        assert body(post) is None
    assert gateway.user.reasons() == []


def test_who_is_about_to_upgrade_polls_no_more(gateway: Gateway, client: PollingClient) -> None:
    post = hold(gateway, client, 3)
    socket = client.probe()
    socket.send_text("2probe")
    gateway.clock.advance(0.1)
    assert body(post) == "ok"
    socket.send_text("5")
    assert socket.texts() == ["3probe", *[ANSWER] * 3]


def test_who_is_upgrading_does_not_wait(gateway: Gateway, client: PollingClient) -> None:
    client.probe().send_text("2probe")
    assert client.post("4a\x1e4b\x1e4c").body == b"ok"


def test_who_hangs_up_waits_no_longer(gateway: Gateway, client: PollingClient) -> None:
    """And is heard to the end, as always."""
    post = hold(gateway, client)
    post.hang_up()
    gateway.turn()
    assert gateway.user.messages() == ["hello", *["ask"] * 4]
    assert gateway.user.told[-1] == ("lost", "transport error", "slow consumer")


@pytest.mark.parametrize("discard", [True, False])
def test_who_is_sent_away_meanwhile_has_its_answer(gateway: Gateway, client: PollingClient, discard: bool) -> None:
    post = hold(gateway, client)
    gateway.user.connection.close(discard=discard)
    if not discard:
        assert body(client.poll()) == "\x1e".join([ANSWER] * 2)
    assert body(post) == "ok"
    assert len(gateway.user.messages()) == 3


def test_a_second_post_meanwhile_is_one_too_many(gateway: Gateway, client: PollingClient) -> None:
    post = hold(gateway, client)
    assert client.post("4ask").status == 400
    assert gateway.user.reasons() == ["transport error"]
    assert body(post) == "ok"
    assert len(gateway.user.messages()) == 3
