"""``/metrics`` for Prometheus, on a port of its own. No label is a client's to choose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from twisted.web import http
from twisted.web.resource import Resource

from yekta.app import about
from yekta.app.counselor import Counselor
from yekta.app.dispatcher import Dispatcher
from yekta.app.hub import LEFT, Hub
from yekta.edge.native import NativePeer
from yekta.edge.socketio import SocketPeer
from yekta.engineio.engine import Engine

# The text format that every Prometheus reads.
_TEXT = "text/plain; version=0.0.4; charset=utf-8"

# How clients are connected: protocol and transport. Each has a number at any time, or an alert would miss it at zero.
WAYS = (
    (NativePeer.protocol, NativePeer.transport),
    *((SocketPeer.protocol, transport) for transport in about.TRANSPORTS),
)

_NOBODY_HAS_LEFT = {(protocol, LEFT): 0 for protocol, _ in WAYS}


class Numbers:
    """A collector: puts together what the application counts anyway, when somebody asks."""

    def __init__(self, hub: Hub, dispatcher: Dispatcher, counselor: Counselor, engine: Engine) -> None:
        self._hub = hub
        self._dispatcher = dispatcher
        self._counselor = counselor
        self._engine = engine

    def collect(self) -> Iterator[Metric]:
        """Called by the registry for every scrape."""
        peers = Counter(dict.fromkeys(WAYS, 0))
        peers.update((peer.protocol, peer.transport) for peer in self._hub.peers)
        connections = GaugeMetricFamily(
            "yektayar_connections", "Clients with a session, connected now", labels=["protocol", "transport"]
        )
        for labels, number in peers.items():
            connections.add_metric(labels, number)
        yield connections
        disconnects = CounterMetricFamily(
            "yektayar_disconnects", "Clients that have left", labels=["protocol", "reason"]
        )
        for labels, number in {**_NOBODY_HAS_LEFT, **self._hub.departures}.items():
            disconnects.add_metric(labels, number)
        yield disconnects
        events = CounterMetricFamily("yektayar_events", "Events received", labels=["event"])
        for event, number in self._dispatcher.counts.items():
            events.add_metric([event], number)
        yield events
        yield GaugeMetricFamily(
            "yektayar_engineio_connections", "Engine.IO connections", value=len(self._engine.connections)
        )
        yield GaugeMetricFamily(
            "yektayar_ai_answers_running", "Answers of the AI on their way", value=self._counselor.running
        )


class MetricsPort(Resource):
    """Everything that the port answers."""

    isLeaf = True

    def __init__(self, numbers: Numbers) -> None:
        super().__init__()
        self._registry = CollectorRegistry()
        self._registry.register(numbers)

    def render_GET(self, request: http.Request) -> bytes:
        if request.path != b"/metrics":
            request.setResponseCode(404)
            return b"Try /metrics.\n"
        request.setHeader("content-type", _TEXT)
        return self.scrape()

    def scrape(self) -> bytes:
        """All numbers, as text."""
        return generate_latest(self._registry)
