"""POSTs that ask for more than their client has fetched: what is left of them waits for its next poll."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.engines import Gateway, PollingClient, User, body
from tests.support.memory import HttpClient
from yekta.engineio.connection import OVERHEAD
from yekta.engineio.packet import Packet

Start = Callable[..., Gateway]

# Five of these answers may wait. Once four do, the rest of a POST has to.
MOST, SIZE = 1000, 195 - OVERHEAD
FOUR, FIVE = "\x1e".join(["4ask"] * 4), "\x1e".join(["4ask"] * 5)

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


def hold(gateway: Gateway, client: PollingClient, most: int = 20) -> HttpClient:
    """A POST that asks for ``most`` answers."""
    post = client.request("POST", "\x1e".join(["4ask"] * most))
    assert body(post) is None
    assert len(gateway.user.messages()) == 1 + 4
    return post


def test_who_polls_meanwhile_gets_all_that_it_asks_for(gateway: Gateway, client: PollingClient) -> None:
    poll = client.poll()
    post = client.request("POST", "\x1e".join(["4ask"] * 40))
    answers, polls = 0, 0
    while body(post) is None and polls < 40:
        answers += (body(poll) or "").count(ANSWER)
        poll, polls = client.poll(), polls + 1
        gateway.turn()
    answers += (body(poll) or "").count(ANSWER)
    answers += (body(client.poll()) or "").count(ANSWER)
    assert (answers, gateway.user.reasons()) == (40, [])
    assert gateway.user.messages() == ["hello", *["ask"] * 40]
    assert polls >= 8


def test_long_answers_wait_for_each_other(start: Start) -> None:
    gateway = start(lambda user, data: user.connection.send("x" * (MOST // 2)), max_queued=MOST)
    client = gateway.open()
    post = client.request("POST", FIVE)
    for _ in range(5):
        assert (body(client.poll()) or "").count("x" * (MOST // 2)) == 1
        gateway.turn()
    assert body(post) == "ok"
    assert gateway.user.reasons() == []


def test_each_of_many_posts_is_answered_once_all_of_it_is_handled(gateway: Gateway, client: PollingClient) -> None:
    assert [client.post("4ask").body for _ in range(4)] == [b"ok"] * 4
    fifth = client.request("POST", "4ask")
    assert body(fifth) is None
    assert body(client.poll()) == "\x1e".join([ANSWER] * 4)
    assert body(fifth) == "ok"
    assert body(client.poll()) == ANSWER


@pytest.mark.parametrize("packet", ["41", "bAAAA"], ids=["a text", "bytes"])
def test_what_may_ask_for_more_waits(gateway: Gateway, client: PollingClient, packet: str) -> None:
    client.post(FOUR)
    post = client.request("POST", packet)
    assert body(post) is None
    client.poll()
    assert body(post) == "ok"


@pytest.mark.parametrize("packet", ["3", "6"], ids=["a pong", "a noop"])
def test_what_asks_for_nothing_does_not_wait(gateway: Gateway, client: PollingClient, packet: str) -> None:
    client.post(FOUR)
    assert client.post(packet).body == b"ok"


def test_nor_does_the_end(gateway: Gateway, client: PollingClient) -> None:
    client.post(FOUR)
    assert client.post("1").body == b"ok"
    assert gateway.user.reasons() == ["transport close"]


def test_nothing_waits_while_less_than_three_quarters_of_what_may(
    gateway: Gateway, client: PollingClient
) -> None:
    client.post("\x1e".join(["4ask"] * 3))
    assert client.post("4ask").body == b"ok"


def test_nothing_waits_while_a_poll_does(gateway: Gateway, client: PollingClient) -> None:
    poll = client.poll()
    assert client.post(FIVE).body == b"ok"
    assert body(poll) == "\x1e".join([ANSWER] * 5)


def test_nothing_that_is_not_heard_any_more_waits(gateway: Gateway, client: PollingClient) -> None:
    client.post(FOUR)
    gateway.user.connection.close()
    assert client.post("4ask").body == b"ok"
    assert len(gateway.user.messages()) == 5


def test_who_was_not_seen_to_poll_meanwhile_waits_for_a_moment(gateway: Gateway) -> None:
    """It may poll only once it has its answer."""
    client = gateway.open()
    post = client.request("POST", FIVE)
    gateway.clock.advance(0.9)
    assert body(post) is None
    gateway.clock.advance(0.1)
    assert body(post) == "ok"
    assert body(client.poll()) == "\x1e".join([ANSWER] * 5)
    # It was tried in vain.
    assert client.post(FIVE).body == b"ok"


def test_a_poll_in_that_moment_is_seen(gateway: Gateway) -> None:
    """Of some, the first POST comes before their first poll."""
    client = gateway.open()
    post = client.request("POST", "\x1e".join(["4ask"] * 9))
    assert body(client.poll()) == "\x1e".join([ANSWER] * 4)
    gateway.clock.advance(20)
    assert body(post) is None
    assert body(client.poll()) == "\x1e".join([ANSWER] * 4)
    assert body(post) == "ok"


def test_who_does_not_poll_after_all_has_it_when_its_time_is_over(gateway: Gateway, client: PollingClient) -> None:
    post = hold(gateway, client, 5)
    gateway.clock.advance(29.9)
    assert body(post) is None
    gateway.clock.advance(0.1)
    assert body(post) == "ok"
    assert body(client.poll()) == "\x1e".join([ANSWER] * 5)
    # Not once more, unless it is seen again.
    assert client.post(FIVE).body == b"ok"


def test_its_time_begins_anew_with_each_poll(gateway: Gateway, client: PollingClient) -> None:
    post = hold(gateway, client)
    for _ in range(3):
        gateway.clock.advance(20)
        assert (body(client.poll()) or "").count(ANSWER) == 4
        assert body(post) is None
    assert gateway.user.reasons() == []


def test_who_is_about_to_upgrade_polls_no_more(gateway: Gateway, client: PollingClient) -> None:
    post = hold(gateway, client, 5)
    socket = client.probe()
    socket.send_text("2probe")
    gateway.clock.advance(0.1)
    assert body(post) == "ok"
    socket.send_text("5")
    assert socket.texts() == ["3probe", *[ANSWER] * 5]


def test_who_is_upgrading_does_not_wait(gateway: Gateway, client: PollingClient) -> None:
    client.probe().send_text("2probe")
    assert client.post(FIVE).body == b"ok"


def test_who_hangs_up_waits_no_longer(gateway: Gateway, client: PollingClient) -> None:
    """And is heard to the end, as always."""
    post = hold(gateway, client)
    post.hang_up()
    gateway.turn()
    assert gateway.user.messages() == ["hello", *["ask"] * 6]
    assert gateway.user.told[-1] == ("lost", "transport error", "slow consumer")


@pytest.mark.parametrize("discard", [True, False])
def test_who_is_sent_away_meanwhile_has_its_answer(gateway: Gateway, client: PollingClient, discard: bool) -> None:
    post = hold(gateway, client)
    gateway.user.connection.close(discard=discard)
    if not discard:
        assert body(client.poll()) == "\x1e".join([ANSWER] * 4)
    assert body(post) == "ok"
    assert len(gateway.user.messages()) == 5


def test_a_second_post_meanwhile_is_one_too_many(gateway: Gateway, client: PollingClient) -> None:
    post = hold(gateway, client)
    assert client.post("4ask").status == 400
    assert gateway.user.reasons() == ["transport error"]
    assert body(post) == "ok"
    assert len(gateway.user.messages()) == 5
