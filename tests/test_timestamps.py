"""Timestamps as the contract has them."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from tests.support.calls import calls_of
from yekta.timestamps import Timestamps, iso


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1_769_850_302.123, "2026-01-31T09:05:02.123Z"),
        (1_769_850_302, "2026-01-31T09:05:02.000Z"),
        (1_769_850_302.9999, "2026-01-31T09:05:02.999Z"),
        # To the nearest microsecond, and no further.
        (1_769_850_302.999_999_8, "2026-01-31T09:05:03.000Z"),
        (1_769_850_302.123_999_3, "2026-01-31T09:05:02.123Z"),
        (-0.25, "1969-12-31T23:59:59.750Z"),
        (0, "1970-01-01T00:00:00.000Z"),
        (1_709_164_800.5, "2024-02-29T00:00:00.500Z"),
    ],
)
def test_iso_8601_in_utc_with_milliseconds(seconds: float, text: str) -> None:
    assert iso(seconds) == text


def test_the_time_now_follows_the_clock() -> None:
    clock = Clock()
    timestamps = Timestamps(clock)
    clock.advance(1_769_850_302.25)
    assert timestamps.now() == "2026-01-31T09:05:02.250Z"
    clock.advance(0.25)
    assert timestamps.now() == "2026-01-31T09:05:02.500Z"


def test_a_time_is_written_once_in_a_millisecond() -> None:
    clock = Clock()
    timestamps = Timestamps(clock)
    assert calls_of(timestamps.now)["yekta.timestamps.iso"] == 1
    assert calls_of(timestamps.now)["yekta.timestamps.iso"] == 0
    clock.advance(0.002)
    assert calls_of(timestamps.now)["yekta.timestamps.iso"] == 1
