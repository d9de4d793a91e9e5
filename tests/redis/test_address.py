from __future__ import annotations

import pytest

from yekta.redis.address import Address, parse


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://h", Address("h")),
        ("redis://h/", Address("h")),
        ("redis://h:7000/3", Address("h", 7000, database=3)),
        ("redis://:p%40ss@h", Address("h", password="p@ss")),
        ("redis://user:pass@h", Address("h", username="user", password="pass")),
        ("rediss://[::1]:1", Address("::1", 1, tls=True)),
        ("unix:///run/redis.sock", Address(path="/run/redis.sock")),
        ("unix://:pass@/run/re%20dis?db=2", Address(path="/run/re dis", password="pass", database=2)),
    ],
)
def test_where_a_server_is(url: str, address: Address) -> None:
    assert parse(url) == address


@pytest.mark.parametrize(
    "url",
    [
        "",
        "h",
        "redis:",
        "redis://",
        "http://h",
        "redis://h:x",
        "redis://h:70000",
        "redis://h/x",
        "redis://h/1/2",
        "redis://h/²",
        "redis://h?db=1",
        "redis://h#x",
        "unix://",
        "unix:///s?db=x",
        "unix:///s?other=1",
        "unix:///s?db",
        "redis://[h",
    ],
)
def test_what_is_none_is_refused_without_a_word_of_it(url: str) -> None:
    with pytest.raises(ValueError, match=r"^not a URL of Redis$"):
        parse(url)


def test_a_password_is_not_shown() -> None:
    assert "secret" not in repr(parse("redis://:secret@h"))
