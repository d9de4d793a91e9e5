"""``/metrics`` for Prometheus, on a port of its own. No label is a client's to choose.

Nothing is counted for it but what is rare: each `Source` puts together what a part knows anyway, when somebody asks.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from operator import attrgetter
from pathlib import Path
from resource import RLIMIT_NOFILE, getpagesize, getrlimit
from typing import Protocol

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.utils import floatToGoString
from twisted.web import http
from twisted.web.resource import Resource

import yekta
from yekta.app import about
from yekta.app.answer import State
from yekta.app.answers import Answers
from yekta.app.conversations import Conversations
from yekta.app.database import Database
from yekta.app.dispatcher import Dispatcher
from yekta.app.hub import LEFT, Hub
from yekta.app.lateness import Lateness
from yekta.app.sessions import Sessions
from yekta.durations import Durations
from yekta.edge.login import REFUSALS
from yekta.edge.native import NativePeer
from yekta.edge.socketio import SocketPeer
from yekta.engineio.engine import Engine
from yekta.socketio.cluster import Cluster
from yekta.socketio.socket import Socket
from yekta.web.site import Site
from yekta.websocket.factory import HANDSHAKE, WebSocketFactory

Source = Callable[[], Iterator[Metric]]


class Expiring(Protocol):
    """A certificate, from ``file``, which is good until POSIX second ``ends``."""

    file: str
    ends: float


# When the process began: this is imported as it starts.
_BEGAN = time.time()

# The text format that every Prometheus reads.
_TEXT = "text/plain; version=0.0.4; charset=utf-8"

# How clients are connected: protocol and transport. Each has a number at any time, or an alert would miss it at zero.
WAYS = (
    (NativePeer.protocol, NativePeer.transport),
    *((SocketPeer.protocol, transport) for transport in about.TRANSPORTS),
)

_NOBODY_HAS_LEFT = {(protocol, LEFT): 0 for protocol, _ in WAYS}

_TRANSPORT = attrgetter("client.connection.transport.name")

# What a client is refused with most. Each has a number at any time, as above.
_REFUSALS = (400, 401, 403, 404, 413, 429, 500, 503)
_WEBSOCKET_REFUSALS = (HANDSHAKE, "request", "sid", "forbidden", "token", "full", "restarting", "unavailable")


def of_clients(hub: Hub, sessions: Sessions) -> Iterator[Metric]:
    """Who is here, who has left, and who was not let in."""
    connections = GaugeMetricFamily(
        "yektayar_connections", "Clients with a session, connected now", labels=["protocol", "transport"]
    )
    for labels, number in _ways(hub).items():
        connections.add_metric(labels, number)
    yield connections
    disconnects = CounterMetricFamily("yektayar_disconnects", "Clients that have left", labels=["protocol", "reason"])
    for labels, number in {**_NOBODY_HAS_LEFT, **hub.departures}.items():
        disconnects.add_metric(labels, number)
    yield disconnects
    failures = {reason: sessions.refusals[reason] for reason in REFUSALS.values()}
    yield _counted("yektayar_authentication_failures", "Tokens that opened nothing", "reason", failures)


def of_events(dispatcher: Dispatcher) -> Iterator[Metric]:
    """What clients have said."""
    yield _counted("yektayar_events", "Events received", "event", dispatcher.counts)


def of_engineio(engine: Engine) -> Iterator[Metric]:
    """Who is connected by Engine.IO, with or without a session."""
    yield GaugeMetricFamily("yektayar_engineio_connections", "Engine.IO connections", value=len(engine.connections))


def of_sites(sites: Sequence[Site]) -> Iterator[Metric]:
    """TCP connections, and what was refused."""
    yield GaugeMetricFamily(
        "yektayar_tcp_connections", "TCP connections of clients", value=sum(site.census.all for site in sites)
    )
    yield CounterMetricFamily(
        "yektayar_tcp_connections_refused",
        "TCP connections that were one too many",
        value=sum(site.census.refused for site in sites),
    )
    refusals = Counter(dict.fromkeys(_REFUSALS, 0))
    for site in sites:
        refusals.update(site.refusals)
    yield _counted("yektayar_http_refusals", "HTTP answers with a status of 400 and above", "status", refusals)


def of_websockets(factories: Iterable[WebSocketFactory]) -> Iterator[Metric]:
    """Who asked for a WebSocket and got none."""
    refusals = Counter(dict.fromkeys(_WEBSOCKET_REFUSALS, 0))
    for factory in factories:
        refusals.update(factory.refusals)
    yield _counted("yektayar_websocket_refusals", "Opening handshakes that were refused", "reason", refusals)


def of_answers(answers: Answers) -> Iterator[Metric]:
    """What the AI does."""
    yield GaugeMetricFamily("yektayar_ai_answers_running", "Answers of the AI on their way", value=answers.running)
    times = answers.times
    ends = {state.value: times.ends[state.value] for state in State if state is not State.RUNNING}
    yield _counted("yektayar_ai_answers", "Answers of the AI that have ended", "outcome", ends)
    yield _timed("yektayar_ai_first_words_seconds", "Until an answer's first words came", times.first)
    yield _timed("yektayar_ai_answer_seconds", "Until an answer's end", times.whole)


def of_conversations(conversations: Conversations) -> Iterator[Metric]:
    """What the database has not taken."""
    unwritten = conversations.unwritten
    yield GaugeMetricFamily("yektayar_answers_waiting", "Answers the database has yet to take", value=len(unwritten))
    yield CounterMetricFamily("yektayar_answers_lost", "Answers that it could not take", value=unwritten.lost)


def of_certificates(certificates: Iterable[Expiring]) -> Iterator[Metric]:
    """Of the ports that end TLS."""
    ends = GaugeMetricFamily(
        "yektayar_certificate_not_after_seconds", "When a certificate ends, in POSIX seconds", labels=["file"]
    )
    # Several ports may have one file, but read it one after the other.
    for certificate in {each.file: each for each in certificates}.values():
        ends.add_metric([certificate.file], certificate.ends)
    yield ends


def of_cluster(cluster: Cluster | None) -> Iterator[Metric]:
    """Who shares our rooms."""
    others = 0 if cluster is None else len(cluster.others)
    yield GaugeMetricFamily("yektayar_linked_processes", "Other processes that share our rooms", value=others)


def of_process(database: Database, lateness: Lateness) -> Iterator[Metric]:
    """How the process does."""
    yield GaugeMetricFamily("yektayar_database_statements", "Statements under way or queued", value=database.busy)
    yield _timed("yektayar_reactor_lateness_seconds", "How late what is due was looked at", lateness.durations)
    yield InfoMetricFamily("yektayar", "What runs", value={"version": yekta.__version__})
    # As every client library of Prometheus names them. Its own collector for Python lists all descriptors, which takes
    # as long as a hundred thousand clients would have to wait.
    yield CounterMetricFamily("process_cpu_seconds", "Processor time, of user and system", value=time.process_time())
    yield GaugeMetricFamily("process_start_time_seconds", "When it began, in POSIX seconds", value=_BEGAN)
    yield GaugeMetricFamily("process_max_fds", "Descriptors that may be open", value=getrlimit(RLIMIT_NOFILE)[0])
    with suppress(OSError):
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        yield GaugeMetricFamily("process_resident_memory_bytes", "Memory in use", value=pages * getpagesize())
        # None where the system, before Linux 6.2, does not tell.
        if number := Path("/proc/self/fd").stat().st_size:
            yield GaugeMetricFamily("process_open_fds", "Descriptors that are open", value=number)


def _ways(hub: Hub) -> Counter[tuple[str, str]]:
    """How many are here by each way. Clients wait meanwhile: a hundred thousand are counted without a call for each."""
    members = hub.members
    sockets = [member for member in members if isinstance(member, Socket)]
    ways = Counter(dict.fromkeys(WAYS, 0))
    ways[NativePeer.protocol, NativePeer.transport] = len(members) - len(sockets)
    for transport, number in Counter(map(_TRANSPORT, sockets)).items():
        ways[SocketPeer.protocol, transport] = number
    return ways


class MetricsPort(Resource):
    """Everything that the port answers."""

    isLeaf = True

    def __init__(self, sources: Iterable[Source]) -> None:
        super().__init__()
        self._registry = CollectorRegistry()
        self._registry.register(_Together(tuple(sources)))

    def render_GET(self, request: http.Request) -> bytes:
        if request.path != b"/metrics":
            request.setResponseCode(404)
            return b"Try /metrics.\n"
        request.setHeader("content-type", _TEXT)
        return self.scrape()

    def scrape(self) -> bytes:
        """All numbers, as text."""
        return generate_latest(self._registry)


class _Together:
    """A collector of what all sources say."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources

    def collect(self) -> Iterator[Metric]:
        """Called by the registry for every scrape."""
        for source in self._sources:
            yield from source()


def _counted(name: str, help: str, label: str, counts: dict[str, int] | Counter[str] | Counter[int]) -> Metric:
    family = CounterMetricFamily(name, help, labels=[label])
    for value, number in counts.items():
        family.add_metric([str(value)], number)
    return family


def _timed(name: str, help: str, durations: Durations) -> Metric:
    buckets = [(floatToGoString(bound), count) for bound, count in durations.cumulative()]
    return HistogramMetricFamily(name, help, buckets=buckets, sum_value=durations.total)
