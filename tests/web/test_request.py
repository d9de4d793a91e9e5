from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yekta.web.request import MAX_FIELDS, Request, parse_target


def request(**headers: str) -> Request:
    return Request("GET", "/", {}, headers)


@pytest.mark.parametrize(
    ("authorization", "token"),
    [
        ("Bearer abc", "abc"),
        ("bearer abc", "abc"),
        ("BEARER  abc ", "abc"),
        ("Bearer", None),
        ("Bearer ", None),
        ("Basic abc", None),
        ("BearerBearer abc", None),
        ("abc", None),
        ("", None),
    ],
)
def test_the_token_of_authorization_bearer(authorization: str, token: str | None) -> None:
    assert request(authorization=authorization).bearer() == token


def test_no_authorization_is_no_token() -> None:
    assert request().bearer() is None


@pytest.mark.parametrize(("value", "asked"), [("websocket", True), ("WebSocket", True), ("h2c", False), ("", False)])
def test_an_upgrade_is_asked_for_in_any_case(value: str, asked: bool) -> None:
    assert request(upgrade=value).upgrade is asked


def test_no_origin_is_none() -> None:
    assert request().origin is None
    assert request(origin="null").origin == "null"


def test_a_token_is_not_shown() -> None:
    shown = repr(Request("GET", "/ws", {"token": "secret-1"}, {"authorization": "Bearer secret-2"}))
    assert "secret" not in shown


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/", "/", {}),
        ("/a%20b?c=d%20e+f", "/a%20b", {"c": "d e f"}),
        ("/?a=1&a=2", "/", {"a": "1"}),
        ("/?a", "/", {"a": ""}),
        ("/?a=?b", "/", {"a": "?b"}),
        ("/?%D8%B3=%D9%84", "/", {"س": "ل"}),
        ("/?a=%FF", "/", {"a": "\ufffd"}),
        ("/?__proto__=constructor", "/", {"__proto__": "constructor"}),
    ],
)
def test_a_target_is_its_path_undecoded_and_the_first_value_of_each_field(
    target: str, path: str, query: dict[str, str]
) -> None:
    assert parse_target(target) == (path, query)


def test_more_fields_than_we_know_are_refused() -> None:
    assert len(parse_target("/?" + "&".join(f"a{i}=" for i in range(MAX_FIELDS)))[1]) == MAX_FIELDS
    with pytest.raises(ValueError, match="fields"):
        parse_target("/?" + "&".join(f"a{i}=" for i in range(MAX_FIELDS + 1)))


@given(st.text(st.characters(max_codepoint=255)))
def test_any_target_has_a_path_or_too_many_fields(target: str) -> None:
    try:
        path, _ = parse_target(target)
    except ValueError:
        assert target.count("&") >= MAX_FIELDS
    else:
        assert path == target.split("?")[0]


@given(st.text("ab=&?%+;2B\xe9\u0633", max_size=30))
def test_what_is_not_escaped_is_read_as_what_is(text: str) -> None:
    query: dict[str, str] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        query.setdefault(name, value)
    assert parse_target(f"/?{text}") == ("/", query)
