from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from tests.socketio.adapter_suite import AdapterSuite
from yekta.socketio.adapter import Adapter, Home, InMemoryAdapter


class TestInMemoryAdapter(AdapterSuite):
    @pytest.fixture
    def adapter(self, clock: Clock, observed: list[tuple[str, ...]]) -> Adapter:
        return InMemoryAdapter(Home(clock, [lambda *args: observed.append(args)]))
