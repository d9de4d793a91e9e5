"""When to come back, and that pages of other origins may read it."""

from __future__ import annotations

import pytest

from yekta.web.origins import Origins
from yekta.web.retry import retry_after

PAGE = "https://app.example"


@pytest.mark.parametrize(("seconds", "said"), [(0.0, "1"), (0.4, "1"), (7.4, "7"), (30, "30")])
def test_it_is_whole_seconds_and_never_at_once(seconds: float, said: str) -> None:
    assert retry_after(seconds, ()) == {"Retry-After": said}


def test_a_page_of_another_origin_may_read_it() -> None:
    exposed = {"Retry-After": "5", "Access-Control-Expose-Headers": "Retry-After"}
    for allowed in (PAGE, "*"):
        assert retry_after(5, Origins([allowed]).response_headers(PAGE)) == exposed


def test_nothing_is_exposed_to_strangers_or_where_the_proxy_says_it() -> None:
    stranger = Origins([PAGE]).response_headers("https://evil.example")
    assert retry_after(5, stranger) == retry_after(5, Origins([PAGE], headers=False).response_headers(PAGE))
    assert retry_after(5, stranger) == {"Retry-After": "5"}


def test_where_nothing_is_said_nothing_is_exposed() -> None:
    assert retry_after(None, Origins([PAGE]).response_headers(PAGE)) == {}
