"""POSTs whose clients hang up before they are answered."""

from __future__ import annotations

from tests.engineio.knocking import gone
from tests.support.engines import Gateway, PollingClient, body
from tests.support.memory import HttpClient, compose


def begin_post(gateway: Gateway, client: PollingClient) -> HttpClient:
    """A POST of which the last byte is missing."""
    line = gateway.client()
    line.send(compose("POST", f"/socket.io/?{client.query()}", {}, b"4hello")[:-1])
    return line


def test_a_post_that_breaks_off_ends_the_connection_at_once_as_in_node(gateway: Gateway) -> None:
    client = gateway.open()
    post = begin_post(gateway, client)
    post.hang_up()
    assert gateway.user.told == [("lost", "transport error", "data request connection closed prematurely")]
    assert gone(gateway, client.sid)


def test_a_post_that_breaks_off_frees_the_poll_that_waits(gateway: Gateway) -> None:
    client = gateway.open()
    poll = client.poll()
    begin_post(gateway, client).hang_up()
    assert body(poll) == "1"
    assert gateway.user.reasons() == ["transport error"]


def test_a_post_that_breaks_off_after_the_upgrade_ends_nothing(gateway: Gateway) -> None:
    client = gateway.open()
    post = begin_post(gateway, client)
    websocket = client.upgrade()
    post.hang_up()
    websocket.send_text("4still here")
    assert gateway.user.told == [("message", "still here")]


def test_who_breaks_a_post_off_after_the_connection_has_ended_ends_nothing(gateway: Gateway) -> None:
    client = gateway.open()
    post = begin_post(gateway, client)
    gateway.user.connection.close(discard=True)
    post.hang_up()
    assert len(gateway.user.reasons()) == 1
