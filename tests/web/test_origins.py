from __future__ import annotations

import pytest

from yekta.web.origins import MAX_NAMES, Origins

APP = Origins(("https://app.example", "http://localhost:5173/", "HTTPS://Upper.Example"))


@pytest.mark.parametrize(
    "origin",
    ["https://app.example", "HTTPS://App.Example", "http://localhost:5173", "https://upper.example", None],
)
def test_allowed(origin: str | None) -> None:
    assert APP.allow(origin, "gateway.example")


@pytest.mark.parametrize(
    "origin",
    [
        "http://app.example",
        "https://app.example:8443",
        "https://app.example.evil.example",
        "https://evil-app.example",
        "https://sub.app.example",
        "https://app.example/",
        "https://app.example/path",
        "app.example",
        "http://localhost:51730",
        "http://localhost",
        "null",
        "*",
        "",
    ],
)
def test_refused(origin: str) -> None:
    assert not APP.allow(origin, "gateway.example")
    assert "Access-Control-Allow-Origin" not in APP.response_headers(origin)


@pytest.mark.parametrize("origin", ["file://", "null", "app://-"])
def test_a_page_without_an_authority_may_be_allowed(origin: str) -> None:
    some = Origins((origin,))
    assert some.allow(origin, "gateway.example")
    assert some.response_headers(origin)["Access-Control-Allow-Origin"] == origin
    assert Origins((origin + "/",)).allow(origin, "gateway.example")
    assert not some.allow("file:", "gateway.example")


@pytest.mark.parametrize(
    ("allowed", "origin"),
    [
        ("https://app.example:443", "https://app.example"),
        ("HTTPS://App.example:443/", "https://app.example"),
        ("http://[::1]:80", "http://[::1]"),
    ],
)
def test_a_port_that_goes_without_saying_need_not_be_said(allowed: str, origin: str) -> None:
    assert Origins((allowed,)).allow(origin)
    # Who is no browser may say it.
    assert Origins((allowed,)).allow(allowed.lower().rstrip("/"))


@pytest.mark.parametrize(
    ("allowed", "origin"),
    [("https://app.example:80", "https://app.example"), ("http://app.example:443", "http://app.example")],
)
def test_any_other_port_counts(allowed: str, origin: str) -> None:
    assert not Origins((allowed,)).allow(origin)
    assert Origins((allowed,)).allow(allowed)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://gateway.example:3000", "gateway.example:3000"),
        ("https://gateway.example", "gateway.example"),
        ("http://Gateway.example:3000", "gateway.EXAMPLE:3000"),
        ("http://gateway.example:3500", "gateway.example:3000"),
        ("http://gateway.example:3000", "gateway.example:3500"),
        ("http://gateway.example:3000", "gateway.example"),
        ("http://[::1]:3000", "[::1]:3500"),
        ("http://[2001:db8::1]:3500", "[2001:DB8::1]"),
        ("http://127.0.0.1:3000", "127.0.0.1:3500"),
    ],
)
def test_a_page_of_our_own_host_on_one_of_our_ports_is_ours(origin: str, host: str) -> None:
    assert Origins((), own_ports=frozenset((3000, 3500))).allow(origin, host)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://gateway.example:8080", "gateway.example:3000"),
        ("http://other.example:3000", "gateway.example:3000"),
        ("http://gateway.example", "gateway.example:3000"),
        ("http://[::2]:3000", "[::1]:3500"),
        ("http://::1:3000", "[::1]:3500"),
        ("http://:3000", ":3500"),
        ("null", "null:3000"),
        ("null", ""),
        ("", ""),
        ("http://", ""),
        ("http://gateway.example:3000", ""),
        ("http://gateway.example:3000", None),
        ("http://gateway.example:٣٠٠٠", "gateway.example:3000"),
    ],
)
def test_a_page_of_another_host_or_port_is_not_ours(origin: str, host: str | None) -> None:
    assert not Origins((), own_ports=frozenset((3000, 3500))).allow(origin, host)


def test_an_allowed_page_gets_its_own_origin_back_with_credentials() -> None:
    assert APP.response_headers("https://APP.example") == {
        "Access-Control-Allow-Origin": "https://APP.example",
        "Access-Control-Allow-Credentials": "true",
        "Vary": "Origin",
    }


@pytest.mark.parametrize("origin", [None, "http://evil.example", "null"])
def test_any_other_only_learns_that_it_depends(origin: str | None) -> None:
    assert APP.response_headers(origin) == APP.preflight_headers(origin) == {"Vary": "Origin"}


@pytest.mark.parametrize("origin", ["http://anybody.example", "null"])
def test_a_star_allows_every_page_without_credentials(origin: str) -> None:
    anybody = Origins(("*",))
    assert anybody.allow(origin)
    assert anybody.response_headers(origin) == {"Access-Control-Allow-Origin": "*"}


def test_a_preflight_names_methods_and_headers() -> None:
    headers = APP.preflight_headers("https://app.example")
    assert headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert "POST" in headers["Access-Control-Allow-Methods"]
    assert "Authorization" in headers["Access-Control-Allow-Headers"]


def test_a_preflight_allows_the_headers_that_are_asked_for_where_any_may_be() -> None:
    headers = APP.preflight_headers("https://app.example", None, "authorization,x-tenant, X_Trace")
    assert headers["Access-Control-Allow-Headers"] == "authorization,x-tenant, X_Trace"
    assert headers["Vary"] == "Origin, Access-Control-Request-Headers"
    anybody = Origins(("*",)).preflight_headers("https://app.example", None, "x-tenant")
    assert anybody["Access-Control-Allow-Headers"] == "x-tenant"
    assert anybody["Vary"] == "Access-Control-Request-Headers"
    assert APP.preflight_headers("https://evil.example", None, "x-tenant") == {"Vary": "Origin"}


@pytest.mark.parametrize("asked", ["", ",", "a,", "a b", "a\r\nb", "a:b", "آ", "a\n", "a" * (MAX_NAMES + 1)])
def test_a_preflight_repeats_nothing_that_is_no_short_list_of_names(asked: str) -> None:
    headers = APP.preflight_headers("https://app.example", None, asked)
    assert headers["Access-Control-Allow-Headers"].startswith("Content-Type, Authorization, ")
    assert headers["Vary"] == "Origin, Access-Control-Request-Headers"


def test_where_the_proxy_does_cors_the_check_stays_ours() -> None:
    behind_proxy = Origins(("https://app.example",), headers=False)
    assert behind_proxy.response_headers("https://app.example") == {}
    assert behind_proxy.preflight_headers("https://app.example") == {}
    assert not behind_proxy.allow("https://evil.example")
