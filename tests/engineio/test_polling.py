"""Long polling (reference: polling edge cases); each test of the first part is a row there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.engines import Gateway, User, body
from tests.support.memory import compose
from yekta.engineio.connection import Connection

Start = Callable[..., Gateway]


def echo(user: User, data: Any) -> None:
    user.connection.send(data)


def gone(gateway: Gateway, sid: str) -> bool:
    """Whether the session is unknown now."""
    answer = gateway.ask(f"EIO=4&transport=polling&sid={sid}").answer()
    return answer is not None and answer.body == b'{"code":1,"message":"Session ID unknown"}'


# -- the edge cases ------------------------------------------------------------------------------------------


def test_second_get_while_one_hangs(gateway: Gateway) -> None:
    client = gateway.open()
    first, second = client.poll(), client.poll()
    answer = second.answer()
    assert answer is not None
    assert (answer.status, answer.body) == (400, b"")
    assert body(first) == "1"
    assert gateway.user.reasons() == ["transport error"]
    assert gone(gateway, client.sid)


def test_second_post_while_one_in_progress(gateway: Gateway) -> None:
    client = gateway.open()
    target = f"/socket.io/?EIO=4&transport=polling&sid={client.sid}"
    first, second = gateway.client(), gateway.client()
    first.send(compose("POST", target, {}, b"4hello")[:-3])
    assert gateway.user.told == []
    second.request("POST", target, {}, b"4other")
    answer = second.answer()
    assert answer is not None
    assert answer.status == 400
    assert gateway.user.told == [("lost", "transport error", "overlapping posts")]


def test_posts_one_after_the_other_do_not_overlap(gateway: Gateway) -> None:
    client = gateway.open()
    for _ in range(3):
        assert client.post("4a").status == 200
    broken_off = gateway.client()
    broken_off.send(compose("POST", f"/socket.io/?EIO=4&transport=polling&sid={client.sid}", {}, b"4b")[:-1])
    broken_off.hang_up()
    assert client.post("4c").status == 200
    assert gateway.user.messages() == ["a", "a", "a", "c"]


def test_post_with_a_body_containing_1(gateway: Gateway) -> None:
    client = gateway.open()
    answer = client.post("4a\x1e1\x1e4b")
    assert (answer.status, answer.body) == (200, b"ok")
    assert gateway.user.messages() == ["a"]
    assert gateway.user.reasons() == ["transport close"]
    assert gone(gateway, client.sid)


def test_a_close_by_post_ends_the_pending_poll_with_a_noop(gateway: Gateway) -> None:
    client = gateway.open()
    poll = client.poll()
    assert client.post("1").body == b"ok"
    assert body(poll) == "6"
    assert gone(gateway, client.sid)


@pytest.mark.parametrize("framing", ["declared", "chunked"])
def test_post_over_max_payload(start: Start, framing: str) -> None:
    gateway = start(max_payload=100)
    client = gateway.open()
    big = "4" + "a" * 100
    if framing == "declared":
        answer = client.post(big)
    else:
        answer = client.post(f"65\r\n{big}\r\n0\r\n\r\n", {"Transfer-Encoding": "chunked"})
    assert (answer.status, answer.body) == (413, b"")
    assert gateway.user.told == []
    assert client.post("4" + "a" * 99).body == b"ok"
    assert gateway.user.messages() == ["a" * 99]


@pytest.mark.parametrize("content_type", ["application/octet-stream", "application/octet-stream; a=b"])
def test_octet_stream_with_protocol_4(gateway: Gateway, content_type: str) -> None:
    client = gateway.open()
    assert client.post("4a", {"Content-Type": content_type}).status == 400
    assert gateway.user.messages() == []
    assert len(gateway.user.reasons()) == 1
    assert gone(gateway, client.sid)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_put_or_delete_on_sid(gateway: Gateway, method: str) -> None:
    client = gateway.open()
    answer = client.request(method, "4a").answer()
    assert answer is not None
    assert (answer.status, answer.body) == (500, b"")
    assert gateway.user.told == []


@pytest.mark.parametrize("payload", ["abc", "4a\x1e9", "4a\x1e", "b!!!", b"4\xff", "8"])
def test_unparsable_packet_in_payload(gateway: Gateway, payload: str | bytes) -> None:
    client = gateway.open()
    poll = client.poll()
    client.post(payload)
    assert gateway.user.told == [("lost", "parse error", gateway.user.told[-1][2])]
    assert body(poll) == "1"
    assert gone(gateway, client.sid)


def test_get_with_sid_of_a_session_that_is_on_websocket(gateway: Gateway) -> None:
    client = gateway.open()
    client.upgrade()
    for request in (client.poll(), client.request("POST", "4a")):
        answer = request.answer()
        assert answer is not None
        assert (answer.status, answer.body) == (400, b'{"code":3,"message":"Bad request"}')
    assert gateway.user.told == []


def test_server_closes_while_a_get_hangs(gateway: Gateway) -> None:
    client = gateway.open()
    poll = client.poll()
    gateway.user.connection.close()
    assert body(poll) == "1"
    assert gateway.user.reasons() == ["forced close"]
    assert gone(gateway, client.sid)


def test_server_closes_while_no_get_hangs_and_the_next_one_gets_it(gateway: Gateway) -> None:
    client = gateway.open()
    gateway.user.connection.close()
    gateway.clock.advance(29)
    assert gateway.user.reasons() == []
    assert body(client.poll()) == "1"
    assert gateway.user.reasons() == ["forced close"]


@pytest.mark.parametrize("age", [0, 24.9, 25], ids=["at once", "before a ping is due", "while a pong is due"])
def test_server_closes_and_no_get_comes_for_30_s(gateway: Gateway, age: float) -> None:
    client = gateway.open()
    gateway.clock.advance(age)
    gateway.user.connection.close()
    gateway.clock.advance(29.9)
    assert gateway.user.reasons() == []
    gateway.clock.advance(0.1)
    assert gateway.user.reasons() == ["forced close"]
    assert gone(gateway, client.sid)


@pytest.mark.parametrize("hangs", [True, False])
def test_what_was_sent_before_a_close_is_delivered_with_it(gateway: Gateway, hangs: bool) -> None:
    client = gateway.open()
    poll = client.poll() if hangs else None
    gateway.user.connection.send("last")
    gateway.user.connection.close()
    gateway.user.connection.send("too late")
    assert body(poll or client.poll()) == "4last\x1e1"
    assert gateway.user.reasons() == ["forced close"]


def test_after_a_close_nothing_more_is_received(gateway: Gateway) -> None:
    client = gateway.open()
    gateway.user.connection.close()
    client.post("4still here\x1ebAA==")
    assert gateway.user.messages() == []
    client.post("1")
    assert len(gateway.user.reasons()) == 1


def test_server_closes_at_once_where_nothing_need_be_delivered(gateway: Gateway) -> None:
    client = gateway.open()
    gateway.user.connection.send("lost")
    gateway.user.connection.close(discard=True)
    assert gateway.user.reasons() == ["forced close"]
    assert gone(gateway, client.sid)


# -- the common way ------------------------------------------------------------------------------------------


def test_a_post_brings_packets_and_is_answered_ok(gateway: Gateway) -> None:
    answer = gateway.open().post("4سلام\x1ebAP8=\x1e4")
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"ok", "text/html")
    assert answer.headers["cache-control"] == "no-store"
    assert gateway.user.messages() == ["سلام", b"\x00\xff", ""]


def test_a_get_fetches_what_waits_in_order(gateway: Gateway) -> None:
    client = gateway.open()
    for data in ("یک", b"\x00\xff", "three"):
        gateway.user.connection.send(data)
    poll = client.poll()
    assert body(poll) == "4یک\x1ebAP8=\x1e4three"


def test_a_get_waits_until_there_is_something(gateway: Gateway) -> None:
    client = gateway.open()
    assert gateway.user.drains == 1
    poll = client.poll()
    assert body(poll) is None
    # A client that asks for more takes more.
    assert gateway.user.drains == 2
    answered = len(poll.transport.writes)
    gateway.user.connection.send("now")
    assert len(poll.transport.writes) == answered
    assert gateway.user.drains == 2
    gateway.turn()
    assert body(poll) == "4now"
    assert gateway.user.drains == 3


def test_all_replies_to_one_post_leave_with_one_get(start: Start) -> None:
    gateway = start(echo)
    client = gateway.open()
    poll = client.poll()
    client.post("4a\x1e4b\x1e4c")
    gateway.turn()
    assert body(poll) == "4a\x1e4b\x1e4c"


def test_thousands_of_packets_fit_into_one_payload_both_ways(start: Start) -> None:
    gateway = start(echo)
    client = gateway.open()
    payload = "\x1e".join(f"4{number}" for number in range(20_000))
    assert client.post(payload).body == b"ok"
    assert gateway.user.messages() == [str(number) for number in range(20_000)]
    assert body(client.poll()) == payload


def test_thousands_of_pongs_are_nothing(gateway: Gateway) -> None:
    client, http = gateway.open(), gateway.client()
    target = f"/socket.io/?{client.query()}"
    assert http.ask("POST", target, body=b"3").body == b"ok"
    timers = len(gateway.clock.getDelayedCalls())
    assert http.ask("POST", target, body="\x1e".join("3" * 100_000).encode()).body == b"ok"
    assert len(gateway.clock.getDelayedCalls()) == timers
    assert gateway.user.told == []


def test_what_the_application_says_on_connection_comes_with_the_handshake(start: Start) -> None:
    gateway = start()
    connected = gateway.engine._connected

    def greet(connection: Connection) -> None:
        connected(connection)
        connection.send("welcome")

    gateway.engine._connected = greet
    assert (body(gateway.ask("EIO=4&transport=polling")) or "").split("\x1e")[1:] == ["4welcome"]


def test_a_client_that_hangs_up_on_its_poll_is_gone(gateway: Gateway) -> None:
    client = gateway.open()
    client.poll().hang_up()
    assert gateway.user.reasons() == ["transport error"]
    assert gone(gateway, client.sid)


def test_a_client_may_hang_up_on_an_answered_request(gateway: Gateway) -> None:
    client = gateway.open()
    client.request("POST", "4a").hang_up()
    gateway.user.connection.send("b")
    client.poll().hang_up()
    assert gateway.user.reasons() == []


def test_a_client_that_fetches_nothing_is_cut_as_a_slow_consumer(start: Start) -> None:
    gateway = start(max_queued=1000)
    client = gateway.open()
    connection = gateway.user.connection
    for _ in range(10):
        connection.send("a" * 99)
    assert gateway.user.reasons() == []
    connection.send("")
    assert gateway.user.told == [("lost", "transport error", "slow consumer")]
    assert gone(gateway, client.sid)


def test_a_message_larger_than_the_bound_waits_for_its_turn(start: Start) -> None:
    gateway = start(max_queued=1000)
    client = gateway.open()
    gateway.user.connection.send("a" * 5000)
    assert body(client.poll()) == "4" + "a" * 5000
    for _ in range(3):
        gateway.user.connection.send("b" * 900)
        assert body(client.poll()) == "4" + "b" * 900


def test_it_flows_only_while_a_poll_waits(gateway: Gateway) -> None:
    client = gateway.open()
    connection = gateway.user.connection
    assert not connection.flowing
    poll = client.poll()
    assert connection.flowing
    connection.send("a")
    assert not connection.flowing
    gateway.turn()
    assert body(poll) == "4a"
    connection.close()
    assert not connection.flowing
