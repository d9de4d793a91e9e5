"""What an error means in HTTP, and in whose words; the rest of REST's manners is in ``test_rest``."""

from __future__ import annotations

import pytest

from tests.support.cost import costs_less
from yekta.ai.provider import Kind, ProviderError
from yekta.app.errors import ClientError
from yekta.app.sessions import StoreUnavailable
from yekta.edge.http import explain, find_token
from yekta.edge.login import NotAuthenticated
from yekta.web.request import Request


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (ClientError("a", "b", status=418, retry_after=1), ("a", "b", 418, 1)),
        (NotAuthenticated("a", 401), ("a", "a", 401, None)),
        (NotAuthenticated("a", 503), ("a", "a", 503, 5)),
        (ClientError("a", status=503, retry_after=9), ("a", "a", 503, 9)),
        (ProviderError(Kind.UNAVAILABLE), ("Failed to get AI response", Kind.UNAVAILABLE.value, 503, 5)),
        (StoreUnavailable("secret"), ("Service unavailable", "Please try again.", 503, 5)),
        (
            ProviderError(Kind.OVERLOADED, retry_after=9),
            ("Failed to get AI response", Kind.OVERLOADED.value, 503, 9),
        ),
    ],
)
def test_errors_that_were_foreseen(error: Exception, shown: tuple[object, ...]) -> None:
    explained = explain(error)
    assert explained is not None
    assert (explained.error, explained.message, explained.status, explained.retry_after) == shown


@pytest.mark.parametrize("error", [ZeroDivisionError("secret"), KeyError(), RecursionError(), ValueError()])
def test_errors_that_were_not_are_not_explained(error: Exception) -> None:
    assert explain(error) is None


def test_the_query_counts_before_the_body() -> None:
    asked = Request("POST", "/", {"token": "query"}, {"authorization": "Bearer header", "cookie": "token=cookie"})
    assert find_token(asked, {"token": "body"}) == "query"


def test_no_token_is_none() -> None:
    assert find_token(Request("POST", "/", {"token": ""}, {"authorization": "Bearer "}), {"token": 0}) is None


def by_cookie(cookie: str) -> str | None:
    return find_token(Request("GET", "/", {}, {"cookie": cookie}), {})


@pytest.mark.parametrize(
    "foreign", ['pref={"a":1,"b":2}', "flag", "a=b c", "[x]=1", "نام=سارا", 'a="x', "=", "a=;;", "tokens=U"]
)
def test_other_cookies_do_not_hide_the_token(foreign: str) -> None:
    assert by_cookie(f"{foreign}; token=T") == by_cookie(f"token=T; {foreign}") == "T"


@pytest.mark.parametrize("cookie", ["token=T", " token = T ", 'token="T"', "a=b;token=T;token=U", "token=T;"])
def test_the_first_cookie_of_that_name_is_the_token(cookie: str) -> None:
    assert by_cookie(cookie) == "T"


@pytest.mark.parametrize(
    ("value", "token"), [('"', '"'), ("a=b==", "a=b=="), (r'"\""', r"\""), ("%41", "%41"), ("", None)]
)
def test_nothing_in_a_cookie_is_unescaped(value: str, token: str | None) -> None:
    assert by_cookie(f"token={value}") == token


@pytest.mark.parametrize("cookie", ['token="' + r"\"" * 50_000 + '"', ";" * 100_000, "=" * 100_000, " " * 100_000])
def test_no_cookie_costs_more_than_its_length(cookie: str) -> None:
    assert costs_less(lambda: by_cookie(cookie), 0.1)
