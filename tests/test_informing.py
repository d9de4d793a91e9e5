"""What is logged most is logged as any other line, in one call."""

from __future__ import annotations

from time import time

from twisted.logger import LogEvent, Logger

from tests.support.calls import calls_of
from yekta.informing import inform


def test_it_is_what_a_logger_says_in_fewer_calls() -> None:
    heard: list[LogEvent] = []
    log = Logger("somebody", source=test_it_is_what_a_logger_says_in_fewer_calls, observer=heard.append)
    log.info("{who} has come", who="Ali")
    before = time()
    calls = calls_of(lambda: inform(log, "{who} has come", who="Ali"))
    theirs, ours = heard
    assert before <= ours.pop("log_time") <= time()
    del theirs["log_time"]
    assert ours == theirs
    assert calls.total() == 1, calls
