"""The pages, which need nothing from elsewhere."""

from __future__ import annotations

import re
from urllib.parse import urljoin

import pytest
import pytest_twisted

from tests.support.doors import House, house
from tests.support.rest import call
from yekta.edge.pages import CONSOLE

__all__ = ["house"]

# What a policy must name by itself (W3C, Content Security Policy Level 3, 6.1).
NOT_BY_DEFAULT = {"frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"}

# What a page names to be loaded.
_LOADED = re.compile(r"""(?:src|href)=["']([^"']*)|url\(["']?([^"')]*)|(?:import|from)\s*["']([^"']*)""")


@pytest.mark.parametrize("page", ["/api-docs", "/api-docs/", "/console", "/console/"])
@pytest_twisted.ensureDeferred
async def test_a_page_and_all_it_loads_come_from_here(house: House, page: str) -> None:
    waiting, seen = [page], set[str]()
    while waiting:
        path = waiting.pop()
        answer = await call(house, "GET", path)
        assert answer.status == 200, path
        policy = answer.headers["content-security-policy"].split("; ")
        assert {"default-src 'self'", *NOT_BY_DEFAULT} <= set(policy)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        seen.add(path)
        if not path.endswith((".map", "swagger-ui-bundle.js", "swagger-ui.css")):
            names = [next(filter(None, found), "") for found in _LOADED.findall(answer.text)]
            waiting += [urljoin(path, name) for name in names if not name.startswith(("data:", "#"))]
            waiting = [name for name in waiting if name not in seen]
        assert not [name for name in waiting if not name.startswith(page.rstrip("/") + "/")], path
    assert len(seen) > 3


def test_the_consoles_files_name_no_other_host() -> None:
    for path in CONSOLE.iterdir():
        hosts = set(re.findall(r"(?:https?|wss?)://([a-z0-9.-]+)", path.read_text()))
        assert hosts <= {"www.w3.org", "localhost"}, path.name


@pytest_twisted.ensureDeferred
async def test_the_documentation_shows_our_document(house: House) -> None:
    page = await call(house, "GET", "/api-docs")
    assert page.headers["content-type"].startswith("text/html")
    assert 'src="/api-docs/start.js"' in page.text
    # Else browsers ask for /favicon.ico, which is counted as a refusal.
    assert '<link rel="icon" href="data:,">' in page.text
    start = await call(house, "GET", "/api-docs/start.js")
    assert start.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "/api-docs/openapi.json" in start.text


@pytest.mark.parametrize(
    "path",
    [
        "/console/nothing",
        "/console/../site.py",
        "/console/%2e%2e/site.py",
        "/console/..%2fsite.py",
        "/console/a/b",
        "/api-docs/nothing",
        "/api-docs/..%2f..%2f__init__.py",
    ],
)
@pytest_twisted.ensureDeferred
async def test_a_page_has_only_its_own_files(house: House, path: str) -> None:
    answer = await call(house, "GET", path)
    assert (answer.status, answer.json["error"]) == (404, "Not Found")


@pytest_twisted.ensureDeferred
async def test_a_page_is_not_posted_to(house: House) -> None:
    for path in ("/console/app.js", "/console"):
        assert (await call(house, "POST", path)).status in (404, 405)
