"""What Prometheus is told: numbers, with no label of a client's choosing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import pytest_twisted
from prometheus_client.core import GaugeMetricFamily, Metric
from twisted.internet.defer import ensureDeferred
from twisted.internet.task import Clock

from tests.support.application import Application
from tests.support.calls import calls_of
from tests.support.certificates import HOUR, Signed, certify, sign
from tests.support.doors import DOORS, House, house
from tests.support.gateway import Gateway, gateway
from tests.support.http import Http
from tests.support.memory import HttpClient
from tests.support.websockets import HANDSHAKE
from yekta import __version__
from yekta.app.answer import State
from yekta.app.owner import Owner
from yekta.edge.metrics import MetricsPort, of_clients
from yekta.services.certificates import Certificate
from yekta.web.site import Limits, Site

__all__ = ["gateway", "house"]

README = Path(__file__).parents[2] / "README.rst"

# How a client may be connected.
WAYS = [("native-websocket", "websocket"), ("socketio", "polling"), ("socketio", "websocket")]


def scrape(gateway: Gateway) -> dict[str, float]:
    text = MetricsPort(gateway.metrics).scrape().decode()
    return {name: float(number) for name, number in re.findall(r"^([^#].*) (\S+)$", text, re.MULTILINE)}


class Nobody:
    """A peer that only answers."""

    protocol = "native-websocket"


def ignore(event: str, data: object) -> None:
    """A reply that nobody reads."""


def test_events_are_counted_by_name_and_those_of_nobody_together(gateway: Gateway) -> None:
    dispatcher = gateway.dispatcher
    for name in ("ping", "ping", "a secret name", "another"):
        dispatcher.dispatch(Nobody(), name, None, ignore)  # type: ignore[arg-type]
    numbers = scrape(gateway)
    assert numbers['yektayar_events_total{event="ping"}'] == 2
    assert numbers['yektayar_events_total{event="unknown"}'] == 2
    assert not any("secret" in name for name in numbers)


def test_a_quiet_process_tells_zeroes(gateway: Gateway) -> None:
    numbers = scrape(gateway)
    assert numbers["yektayar_engineio_connections"] == 0
    assert numbers["yektayar_ai_answers_running"] == 0
    for protocol, transport in WAYS:
        assert numbers[f'yektayar_connections{{protocol="{protocol}",transport="{transport}"}}'] == 0
        assert numbers[f'yektayar_disconnects_total{{protocol="{protocol}",reason="transport close"}}'] == 0


def test_each_way_for_an_answer_to_end_has_a_number(gateway: Gateway) -> None:
    gateway.answers.begin("m", Owner("a")).cancel()
    numbers = scrape(gateway)
    ends = {name: number for name, number in numbers.items() if name.startswith("yektayar_ai_answers_total")}
    assert ends == {
        f'yektayar_ai_answers_total{{outcome="{state.value}"}}': state is State.CANCELLED
        for state in State
        if state is not State.RUNNING
    }
    assert numbers["yektayar_ai_answer_seconds_count"] == 1
    assert numbers["yektayar_ai_answer_seconds_sum"] == gateway.answers.times.whole.total


@pytest_twisted.ensureDeferred
async def test_who_is_connected_is_told_by_the_way(house: House) -> None:
    for door in DOORS:
        await (await house.enter(door)).ping()
    numbers = scrape(house.gateway)
    names = [f'yektayar_connections{{protocol="{protocol}",transport="{transport}"}}' for protocol, transport in WAYS]
    assert [numbers[name] for name in names] == [2, 1, 2]


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/metrics", (200, "text/plain; version=0.0.4; charset=utf-8", True)),
        ("/", (404, "text/html", False)),
        ("/metrics/x", (404, "text/html", False)),
    ],
)
def test_the_numbers_are_at_one_path(path: str, answer: tuple[int, str, bool]) -> None:
    def source() -> Iterator[Metric]:
        yield GaugeMetricFamily("a_number", "Always 1", value=1)

    clock = Clock()
    told = HttpClient(Site(clock, MetricsPort((source,)), Limits()), clock).ask("GET", path)
    assert (told.status, told.headers["content-type"], b"a_number 1.0" in told.body) == answer


def test_each_certificate_is_told_of_once_and_a_renewed_one_with_its_own_end(gateway: Gateway, tmp_path: Path) -> None:
    pem = tmp_path / "a.pem"

    def write(signed: Signed) -> float:
        pem.write_text(signed.private + signed.pem)
        return signed.certificate.not_valid_after_utc.timestamp()

    first = write(sign(["localhost"]))
    gateway.certificates += [Certificate("--listen", f"ssl:{port}:privateKey={pem}") for port in (1, 2)]
    name = f'yektayar_certificate_not_after_seconds{{file="{pem}"}}'
    assert scrape(gateway)[name] == first
    second = write(sign(["localhost"], ends=5 * HOUR))
    assert second - first == pytest.approx(4 * 3600, abs=10)
    for each in gateway.certificates:
        each.renew()
    assert scrape(gateway)[name] == second


def test_each_name_is_explained(gateway: Gateway, tmp_path: Path) -> None:
    gateway.certificates.append(Certificate("--listen", f"ssl:0:privateKey={certify(tmp_path, 'localhost')}"))
    ours = (name for name in scrape(gateway) if name.startswith("yektayar_"))
    told = {re.sub(r'_sum$|_count$|_bucket\{.*|="[^"]*"', "", name) for name in ours}
    explained = re.findall(r"^``(yektayar_\w+)`` +(?:``([\w, ]+)``)?", README.read_text(), re.MULTILINE)
    assert {f"{name}{{{labels.replace(' ', '')}}}" if labels else name for name, labels in explained} == told


@pytest_twisted.ensureDeferred
async def test_what_was_refused_is_told(gateway: Gateway) -> None:
    http = Http()
    await http.request("GET", f"http://{gateway.api_address}/nothing")
    for path in ("/api/ai/conversations/mine", "/api/auth/session"):
        for query in ("", "?token=wrong"):
            await http.request("GET", f"http://{gateway.api_address}{path}{query}")
    await http.close()
    numbers = scrape(gateway)
    for status, count in ((401, 4), (404, 1), (503, 0)):
        assert numbers[f'yektayar_http_refusals_total{{status="{status}"}}'] == count
    for reason, count in (("required", 2), ("invalid", 2), ("unavailable", 0)):
        assert numbers[f'yektayar_authentication_failures_total{{reason="{reason}"}}'] == count


@pytest_twisted.ensureDeferred
async def test_who_needs_no_token_is_not_refused(gateway: Gateway) -> None:
    http, url, headers = Http(), f"http://{gateway.api_address}/api/ai/chat", {"Content-Type": "application/json"}
    asking = ensureDeferred(http.request("POST", url, headers=headers, body=b'{"message": "Hello"}'))
    (await gateway.provider.asked()).finish()
    assert (await asking).status == 200
    await http.close()
    assert sum(gateway.sessions.refusals.values()) == 0


def test_the_process_is_told_of_as_everywhere(gateway: Gateway) -> None:
    numbers = scrape(gateway)
    assert numbers["process_resident_memory_bytes"] > 1e6
    assert numbers["process_open_fds"] > 2
    assert numbers[f'yektayar_info{{version="{__version__}"}}'] == 1


@pytest.mark.parametrize("reason", ["transport close", "slow consumer"])
def test_departures_are_counted_by_reason(gateway: Gateway, reason: str) -> None:
    gateway.hub.departures["socketio", reason] += 3
    assert scrape(gateway)[f'yektayar_disconnects_total{{protocol="socketio",reason="{reason}"}}'] == 3


def test_clients_are_counted_by_their_ways_and_not_one_by_one() -> None:
    """They wait meanwhile, however many they are."""
    application = Application()

    def told() -> list[Metric]:
        return list(of_clients(application.hub, application.sessions))

    def ways() -> dict[tuple[str, ...], float]:
        return {tuple(sample.labels.values()): sample.value for sample in told()[0].samples}

    def come(number: int) -> None:
        for _ in range(number):
            application.native()
            application.socketio()

    assert list(ways().values()) == [0, 0, 0]
    come(1)
    few = calls_of(told)
    come(20)
    assert calls_of(told) == few
    assert ways() == {WAYS[0]: 21, WAYS[1]: 0, WAYS[2]: 21}
    application.close()


@pytest_twisted.ensureDeferred
async def test_websockets_that_were_refused_are_told_by_why(house: House) -> None:
    async def knock(path: str, **fields: str) -> int:
        # The client's own Connection does not ask for an upgrade: what is let in so far is not RFC 6455's.
        return (await house.get(path, headers={**HANDSHAKE, "Connection": "close", **fields})).status

    def told() -> dict[str, float]:
        name = 'yektayar_websocket_refusals_total{reason="'
        return {key.removeprefix(name)[:-2]: n for key, n in scrape(house.gateway).items() if key.startswith(name)}

    token, _ = await house.gateway.acquire()
    engine, native = "/socket.io/?EIO=4&transport=websocket", f"/ws?token={token}"
    zeroes = dict.fromkeys(told(), 0.0)
    assert told() == zeroes
    foreign = {"Origin": "http://evil.example"}
    assert [await knock(native), await knock(engine)] == [400, 400]
    assert [await knock(native, **foreign), await knock(engine, **foreign)] == [403, 403]
    assert [await knock(native + "&x" * 100), await knock("/socket.io/?EIO=5&transport=websocket")] == [400, 400]
    assert [await knock("/ws"), await knock("/ws?token=wrong"), await knock(engine + "&sid=x")] == [401, 401, 400]
    # None of these asked for a WebSocket.
    assert (await house.get("/socket.io/?EIO=4&transport=polling&sid=x")).status == 400
    assert (await house.get("/api/auth/session")).status == 401
    assert told() == {**zeroes, "handshake": 2, "forbidden": 2, "request": 2, "token": 2, "sid": 1}
    house.gateway.store.is_down = True
    assert await knock("/ws?token=" + "x" * 43) == 503
    assert told()["unavailable"] == 1
    house.gateway.native.draining = house.gateway.socketio.engine.draining = True
    assert [await knock(native), await knock(engine)] == [503, 503]
    assert told()["restarting"] == 2
