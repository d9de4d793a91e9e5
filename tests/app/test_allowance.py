from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from yekta.app.allowance import Allowance
from yekta.app.errors import ClientError


def test_each_address_has_so_many_a_minute() -> None:
    clock = Clock()
    allowance = Allowance(clock, 3)
    for _ in range(3):
        allowance.take("192.0.2.1")
    with pytest.raises(ClientError) as caught:
        allowance.take("192.0.2.1")
    assert (caught.value.status, caught.value.retry_after) == (429, 20.0)
    allowance.take("192.0.2.2")
    clock.advance(20.0)
    allowance.take("192.0.2.1")
    with pytest.raises(ClientError):
        allowance.take("192.0.2.1")
    clock.advance(3600.0)
    for _ in range(3):
        allowance.take("192.0.2.1")
    with pytest.raises(ClientError):
        allowance.take("192.0.2.1")


def test_who_has_ipv6_has_no_more_for_all_addresses_that_are_its_own() -> None:
    allowance = Allowance(Clock(), 2)
    for address in ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"):
        allowance.take(address)
    with pytest.raises(ClientError):
        allowance.take("2001:db8::3")


def test_who_is_not_to_be_limited_is_not() -> None:
    allowance = Allowance(Clock(), 1)
    for _ in range(10):
        allowance.take("")


def test_not_all_addresses_are_remembered_but_those_that_came_last() -> None:
    allowance = Allowance(Clock(), 1, clients=4)
    for number in range(100):
        allowance.take(str(number))
    allowance.take("0")
    with pytest.raises(ClientError):
        allowance.take("99")
