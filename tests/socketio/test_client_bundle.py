"""Scripts for pages that load their client from its server: the option ``client_bundle``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet.endpoints import TCP4ServerEndpoint

from tests.support.http import Http, reactor
from tests.support.library import PATH, Start
from yekta.socketio.server import Server


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    folder.mkdir()
    (folder / "socket.io.js").write_text("io = 1;")
    (folder / "socket.io.js.map").write_text("{}")
    (folder / "secret.txt").write_text("secret")
    (tmp_path / "outside.js").write_text("secret")
    return folder


@pytest_twisted.ensureDeferred
async def test_scripts_of_the_bundle_are_served_beside_the_connections(bundle: Path) -> None:
    factory = Server(reactor, client_bundle=bundle).factory()
    port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(factory)
    http, url = Http(), f"http://127.0.0.1:{port.getHost().port}{PATH}"
    script = await http.request("GET", f"{url}socket.io.js?v=1")
    assert (script.status, script.body) == (200, b"io = 1;")
    assert "javascript" in script.headers["content-type"]
    head = await http.request("HEAD", f"{url}socket.io.js")
    assert (head.status, head.body) == (200, b"")
    source = await http.request("GET", f"{url}socket.io.js.map")
    assert (source.headers["content-type"], source.body) == ("application/json", b"{}")
    assert (await http.request("GET", f"{url}?EIO=4&transport=websocket&sid=socket.io.js")).status == 400
    await http.close()
    await port.stopListening()


@pytest.mark.parametrize(
    "name",
    ["secret.txt", "../outside.js", "..%2foutside.js", "%2e%2e/outside.js", "socket.io.js/", "nothing.js", "dist"],
)
def test_nothing_else_is_served(start: Start, bundle: Path, name: str) -> None:
    answer = start(client_bundle=bundle).http().ask("GET", PATH + name)
    assert (answer.status, json.loads(answer.body)) == (400, {"code": 0, "message": "Transport unknown"})


def test_without_a_bundle_nothing_is_served(start: Start) -> None:
    assert start().http().ask("GET", f"{PATH}socket.io.js").status == 400
