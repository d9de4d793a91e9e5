"""Statuses and lost connections as errors."""

from __future__ import annotations

import pytest
from OpenSSL import SSL
from twisted.internet.error import ConnectionRefusedError, DNSLookupError, TCPTimedOutError
from twisted.python.failure import Failure
from twisted.web.client import RequestTransmissionFailed, ResponseFailed, ResponseNeverReceived

from yekta.ai.provider import Kind, ProviderError
from yekta.ai.refusal import lost, refused, seconds_until


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("86401", 86400.0),
        ("9" * 400, 86400.0),
        ("9" * 5000, 86400.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86400.0),
        (" 0 ", 0.0),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 90.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("", None),
        ("Thu, 99 Jan 1970 00:01:40 GMT", None),
    ],
)
def test_retry_after(value, seconds):
    assert seconds_until(value, now=10.0) == seconds


def test_the_status_is_kept():
    error = refused(503, "3", 0.0)
    assert (error.kind, error.status, error.retry_after) == (Kind.OVERLOADED, 503, 3.0)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionRefusedError(), Kind.UNREACHABLE),
        (DNSLookupError(), Kind.UNREACHABLE),
        (TCPTimedOutError(), Kind.TIMEOUT),
        (RequestTransmissionFailed([]), Kind.INTERRUPTED),
        (ResponseNeverReceived([]), Kind.INTERRUPTED),
        (ResponseFailed([]), Kind.INTERRUPTED),
        (ProviderError(Kind.OVERLOADED), Kind.OVERLOADED),
    ],
)
def test_lost(error, kind):
    assert lost(error).kind is kind


def test_a_certificate_that_is_wrong_is_out_of_reach_and_logged():
    wrong = SSL.Error([("SSL routines", "", "certificate verify failed")])
    error = lost(ResponseNeverReceived([Failure(wrong)]))
    assert error.kind is Kind.UNREACHABLE
    assert "certificate verify failed" in error.logged
    assert "certificate" not in str(error)


def test_nothing_that_came_is_logged():
    error = lost(ResponseNeverReceived([Failure(ValueError("secret"))]))
    assert (error.kind, error.logged) == (Kind.INTERRUPTED, "INTERRUPTED, ValueError")
    assert refused(401, None, 0.0).logged == "REJECTED, 401"


@pytest.mark.parametrize("kind", Kind)
def test_only_some_may_succeed_later(kind):
    assert ProviderError(kind).retryable is (kind not in (Kind.REJECTED, Kind.PROTOCOL, Kind.TOO_LONG))


@pytest.mark.parametrize(("status", "kind"), [(499, Kind.REJECTED), (500, Kind.UNAVAILABLE)])
def test_from_500_on_the_fault_is_the_servers(status, kind):
    assert refused(status, None, 0.0).kind is kind


def test_why_nobody_was_reached_in_time_is_told_to_the_operator():
    assert lost(TCPTimedOutError()).logged == "TIMEOUT, TCPTimedOutError"
