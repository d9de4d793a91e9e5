from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from tests.socketio.adapter_suite import AdapterSuite
from yekta.socketio.adapter import Adapter, AdapterContext, InMemoryAdapter


class TestInMemoryAdapter(AdapterSuite):
    @pytest.fixture
    def adapter(self, clock: Clock, observed: list[tuple[str, ...]]) -> Adapter:
        return InMemoryAdapter(AdapterContext(clock, [lambda *args: observed.append(args)]))
