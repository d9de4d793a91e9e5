"""Long polling (reference: polling edge cases); each test is a row there."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.engineio.knocking import gone
from tests.support.engines import Gateway, body
from tests.support.memory import compose

Start = Callable[..., Gateway]


def test_second_get_while_one_hangs(gateway: Gateway) -> None:
    client = gateway.open()
    first, second = client.poll(), client.poll()
    answer = second.next_answer()
    assert (answer.status, answer.body) == (400, b"")
    assert body(first) == "1"
    assert gateway.user.reasons() == ["transport error"]
    assert gone(gateway, client.sid)


@pytest.mark.parametrize("earlier", [0, 2])
def test_second_post_while_one_in_progress(gateway: Gateway, earlier: int) -> None:
    client = gateway.open()
    for _ in range(earlier):
        client.post("3")
    target = f"/socket.io/?EIO=4&transport=polling&sid={client.sid}"
    first, second = gateway.client(), gateway.client()
    first.send(compose("POST", target, {}, b"4hello")[:-3])
    assert gateway.user.told == []
    second.request("POST", target, {}, b"4other")
    assert second.next_answer().status == 400
    assert gateway.user.told == [("lost", "transport error", "overlapping posts")]


def test_posts_one_after_the_other_do_not_overlap(gateway: Gateway) -> None:
    client = gateway.open()
    for _ in range(3):
        assert client.post("4a").status == 200
    assert gateway.user.messages() == ["a", "a", "a"]


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
    answer = client.request(method, "4a").next_answer()
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
        answer = request.next_answer()
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
def test_what_was_sent_before_a_close_is_delivered_in_a_poll_before_it(gateway: Gateway, hangs: bool) -> None:
    """A client takes the end at once, and messages in its next tick: of one payload they would come after the end."""
    client = gateway.open()
    poll = client.poll() if hangs else None
    gateway.user.connection.send("last")
    gateway.user.connection.close()
    gateway.user.connection.send("too late")
    assert body(poll or client.poll()) == "4last"
    assert gateway.user.reasons() == []
    assert body(client.poll()) == "1"
    assert gateway.user.reasons() == ["forced close"]
    assert gone(gateway, client.sid)


@pytest.mark.parametrize("hangs", [True, False])
def test_a_client_that_fetched_the_rest_has_30_s_to_fetch_the_end(gateway: Gateway, hangs: bool) -> None:
    client = gateway.open()
    poll = client.poll() if hangs else None
    gateway.user.connection.send("last")
    gateway.user.connection.close()
    assert body(poll or client.poll()) == "4last"
    gateway.clock.advance(29.9)
    assert gateway.user.reasons() == []
    gateway.clock.advance(0.1)
    assert gateway.user.reasons() == ["forced close"]
    assert gone(gateway, client.sid)


def test_a_close_at_once_delivers_what_a_poll_takes_and_nothing_after_it(gateway: Gateway) -> None:
    client = gateway.open()
    poll = client.poll()
    gateway.user.connection.send("last")
    gateway.user.connection.close(discard=True)
    assert body(poll) == "4last"
    assert gateway.user.reasons() == ["forced close"]
    assert gone(gateway, client.sid)


def test_after_a_close_nothing_more_is_received(gateway: Gateway) -> None:
    client = gateway.open()
    gateway.user.connection.close()
    client.post("4still here\x1ebAA==")
    assert gateway.user.messages() == []
    client.post("1")
    assert len(gateway.user.reasons()) == 1


def test_to_close_once_more_gives_the_client_no_more_time(start: Start) -> None:
    gateway = start(drain_timeout=10.0)
    gateway.open()
    connection = gateway.user.connection
    connection.send("rest")
    for _ in range(2):
        connection.close()
        gateway.clock.advance(5)
    assert gateway.user.reasons() == ["forced close"]


def test_server_closes_at_once_where_nothing_need_be_delivered(gateway: Gateway) -> None:
    client = gateway.open()
    gateway.user.connection.send("lost")
    gateway.user.connection.close(discard=True)
    assert gateway.user.reasons() == ["forced close"]
    assert gone(gateway, client.sid)
