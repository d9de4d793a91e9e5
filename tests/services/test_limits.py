"""What the settings are to the libraries, where a bound of one setting holds in several places."""

from __future__ import annotations

from yekta.ids import new_id
from yekta.services.config import load
from yekta.services.limits import RECOVERY, of_site, of_socketio
from yekta.web.forwarded import parse_trusted
from yekta.web.origins import Origins


def test_connections_of_one_address_are_limited_whether_they_poll_or_not() -> None:
    settings = load({"MAX_CONNECTIONS_PER_ADDRESS": "3", "TRUSTED_PROXIES": "10.0.0.1"}, {})
    site, engine = of_site(settings), of_socketio(settings, Origins(()), new_id).engine
    assert site.max_per_address == engine.max_polling_per_address == 3
    assert site.trusted == engine.exempt == parse_trusted(["10.0.0.1"])


def test_recovery_is_bounded_in_bytes_or_off() -> None:
    settings = load({}, {})
    recovery = of_socketio(settings, Origins(()), new_id).recovery
    assert recovery is not None
    assert (recovery.max_disconnection, recovery.max_bytes) == (settings.recovery_seconds, RECOVERY)
    assert of_socketio(load({"RECOVERY_SECONDS": "0"}, {}), Origins(()), new_id).recovery is None
