"""What refusals are counted as."""

from __future__ import annotations

import pytest

from yekta.engineio import errors
from yekta.engineio.errors import Refusal


@pytest.mark.parametrize(
    ("refusal", "word"),
    [
        (errors.unknown_transport(), "request"),
        (errors.bad_method(), "request"),
        (errors.bad_request("TRANSPORT_MISMATCH"), "request"),
        (errors.unsupported_protocol(), "request"),
        (errors.unknown_sid(), "sid"),
        (errors.forbidden("a client's word"), "forbidden"),
        (errors.draining(), "restarting"),
        (errors.full(), "full"),
        (errors.address_full(), "full"),
        (Refusal(77, "an application's own", reason="ITS OWN"), "request"),
    ],
)
def test_each_refusal_has_a_word(refusal: Refusal, word: str) -> None:
    assert refusal.word == word
