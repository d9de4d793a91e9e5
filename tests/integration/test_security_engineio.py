"""Engine.IO's door: crafted requests, predictable ids, floods of tiny packets, connections that wait for ever."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.attacks import PING, PONG, Over, WebSocket, Wire, frame, head, opening
from tests.support.siege import Victim, besieged, hasty, victim_of
from tests.support.strangers import SEPARATOR, EngineIO, Poller, Polling

both_ports = pytest.mark.parametrize("port", ["api", "ws"])
ENGINE = "/socket.io/?EIO=4&transport="
UPGRADE = "Upgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: " + "A" * 22 + "=="
MAX = 1_000_000


CRAFTED = [
    (ENGINE + "__proto__", "", 0),
    (ENGINE + "constructor", "", 0),
    (ENGINE + "webtransport", "", 0),
    (ENGINE + "polling%00", "", 0),
    (ENGINE + "%FF%FE", "", 0),
    ("/socket.io/?EIO=4", "", 0),
    ("/socket.io/?EIO=4&" + "a&" * 100, "", 0),
    (ENGINE + "polling&sid=__proto__", "", 1),
    (ENGINE + "polling&sid=constructor", "", 1),
    (ENGINE + "polling&sid=", "", 1),
    (ENGINE + "polling&sid=" + "a" * 10_000, "", 1),
    (ENGINE + "websocket&sid=%00", UPGRADE, 1),
    (ENGINE + "websocket", "", 3),
    (ENGINE + "polling", UPGRADE, 3),
    ("/socket.io/?transport=websocket", UPGRADE, 5),
    ("/socket.io/?transport=polling", "", 5),
    ("/socket.io/?transport=polling&EIO=%D9%A4", "", 5),
    ("/socket.io/?transport=polling&EIO=4.0", "", 5),
    ("/socket.io/?transport=polling&EIO=" + "4" * 5000, "", 5),
]
ORIGINS = ("http://evil.example", "null", "http://localhost:5173.evil.example", "http://localhost:5173@evil.example")
ORIGINS += ("\x01", "a\x7fb", "\xff\xfe", "http://localhost:51730", "https://localhost:5173", "x" * 10_000)


@both_ports
@pytest.mark.parametrize(("target", "headers", "code"), CRAFTED, ids=lambda value: str(value)[:60])
def test_a_crafted_request_gets_its_code(port: str, target: str, headers: str, code: int) -> None:
    victim = victim_of(port)
    with besieged(victim):
        for _ in range(3):
            with Wire(victim.port) as wire:
                answer = wire.request("GET", target, headers)
                assert (answer.status, answer.json()["code"]) == (400, code)


@both_ports
@pytest.mark.parametrize("origin", ORIGINS, ids=ascii)
def test_a_foreign_origin_is_refused_at_every_door(port: str, origin: str) -> None:
    victim = victim_of(port)
    doors = ((ENGINE + "polling", ""), (ENGINE + "websocket", UPGRADE), (f"/ws?token={victim.token}", UPGRADE))
    with besieged(victim):
        for target, headers in doors:
            with Wire(victim.port) as wire:
                answer = wire.request("GET", target, f"{headers}\nOrigin: {origin}")
                assert answer.status in (400, 403)
                assert "access-control-allow-origin" not in answer.headers


@both_ports
def test_120_sids_are_long_unlike_and_vary_in_every_position(port: str) -> None:
    victim = victim_of(port)
    with besieged(victim):
        sids = []
        for _ in range(120):
            with Poller(victim.port) as stranger:
                sids.append(stranger.sid)
    assert {len(sid) for sid in sids} == {20}
    assert len(set(sids)) == 120
    # 120 draws of 64 letters give about 54 different ones; a counter or a clock gives few in its upper digits.
    assert all(len({sid[position] for sid in sids}) > 35 for position in range(20))


HALVES: dict[str, Callable[[Victim, str], bytes]] = {
    "in a request line": lambda victim, sid: b"GET /socket.i",
    "in an upgrade": lambda victim, sid: opening(ENGINE + "websocket")[:-2],
    "after an upgrade": lambda victim, sid: opening(ENGINE + "websocket"),
    "after a native upgrade": lambda victim, sid: opening(f"/ws?token={victim.token}"),
    "after a native upgrade that has to wait": lambda victim, sid: opening("/ws?token=" + "b" * 43),
    "in a POST": lambda victim, sid: head("POST", f"{ENGINE}polling&sid={sid}", "", "4" * 90_000)[:-1],
    "after a POST": lambda victim, sid: head("POST", f"{ENGINE}polling&sid={sid}", "", "3"),
    "in a poll": lambda victim, sid: head("GET", f"{ENGINE}polling&sid={sid}"),
    "in a frame": lambda victim, sid: opening(ENGINE + "websocket") + frame(b"40")[:-1],
    "in a big frame": lambda victim, sid: opening(ENGINE + "websocket") + frame(b"4" * 90_000)[:-1],
    "after a close frame": lambda victim, sid: opening(ENGINE + "websocket") + frame(b"", 8),
    "in a probe": lambda victim, sid: opening(f"{ENGINE}websocket&sid={sid}") + frame(b"2probe"),
    "in an upgrade of the transport": lambda victim, sid: (
        opening(f"{ENGINE}websocket&sid={sid}") + frame(b"2probe") + frame(b"5")
    ),
    "in a login": lambda victim, sid: head(
        "POST", "/api/auth/login", "Content-Type: application/json", '{"identifier": "a@b.c", "password": "secret12"}'
    ),
    "in an AI answer": lambda victim, sid: head(
        "POST", "/api/ai/chat", "Content-Type: application/json\nAccept: text/event-stream", '{"message": "hi"}'
    ),
}


@both_ports
@pytest.mark.parametrize("half", HALVES.values(), ids=HALVES)
def test_a_reset_at_the_wrong_moment_does_no_harm(port: str, half: Callable[[Victim, str], bytes]) -> None:
    victim = victim_of(port)
    # Two passwords are hashed at a time, of 64 MB each.
    with besieged(victim, peak=160):
        for _ in range(50):
            with Poller(victim.port) as stranger:
                wire = Wire(victim.port)
                wire.send(half(victim, stranger.sid))
                wire.reset()


@both_ports
@pytest.mark.parametrize("data", [frame(b"3"), frame(b"6"), frame(b"", PING), frame(b"x" * 125, PONG), frame(b"42")])
def test_20_000_tiny_frames_before_authentication_do_no_harm(port: str, data: bytes) -> None:
    victim = victim_of(port)
    with besieged(victim), EngineIO(victim.port) as stranger:
        stranger.send(data * 20_000)
        if data == frame(b"42"):
            assert stranger.end() == 1000


TINY = ("3", "6", "5", "42", "431[]", "40/x,", '42["ping"]', '42["?"]', '420["ping"]')
TINY += ('42["ai:cancel",{"messageId":"x"}]',)


@both_ports
@pytest.mark.parametrize("packet", TINY)
@pytest.mark.parametrize("kind", [Poller, Polling], ids=lambda kind: str(kind.__name__))
def test_a_post_full_of_tiny_packets_stalls_nobody(port: str, kind: Any, packet: str) -> None:
    victim = victim_of(port)
    payload = SEPARATOR.join([packet] * (MAX // (len(packet) + 1)))
    with besieged(victim, peak=12), kind(victim.port, *[victim.token] * (kind is Polling)) as stranger:
        stranger.post(payload)


@both_ports
def test_four_such_posts_at_once_stall_nobody_either(port: str) -> None:
    victim = victim_of(port)
    payload = SEPARATOR.join(["42"] * (MAX // 3))
    with besieged(victim, peak=16):
        strangers = [Polling(victim.port, victim.token) for _ in range(4)]
        for stranger in strangers:
            stranger.wire.send(head("POST", stranger.target, "", payload)[:-1])
        for stranger in strangers:
            stranger.wire.send(b"2")
        for stranger in strangers:
            assert stranger.wire.response().status == 200
            stranger.close()


MALFORMED = ("", SEPARATOR * 900_000, "9", "b" + "=" * 900_000, "b٣", "x" * 900_000, b"\xff" * 999)


@both_ports
@pytest.mark.parametrize("payload", MALFORMED)
def test_a_malformed_payload_ends_the_connection(port: str, payload: str | bytes) -> None:
    victim = victim_of(port)
    with besieged(victim), Poller(victim.port) as stranger:
        assert stranger.post(payload) == 400
        with pytest.raises(Over):
            stranger.poll()


@both_ports
def test_300_probes_of_one_connection_do_no_harm(port: str) -> None:
    victim = victim_of(port)
    with besieged(victim), Poller(victim.port) as stranger:
        probes = [WebSocket(victim.port, f"{ENGINE}websocket&sid={stranger.sid}") for _ in range(300)]
        for probe in probes:
            probe.send_text("2probe")
        assert probes[0].text() == "3probe"
        assert {probe.end() for probe in probes[1:]} == {1000}
        probes[0].reset()
        for probe in probes:
            probe.close()
        assert stranger.post("3") == 200


@both_ports
def test_one_who_posts_and_never_polls_is_cut(port: str) -> None:
    victim = victim_of(port)
    big = f'42["echo","{"x" * 500_000}"]'
    with besieged(victim):
        for _ in range(5):
            with Polling(victim.port, victim.token) as stranger:
                assert 400 in [stranger.post(big) for _ in range(8)]


@both_ports
@pytest.mark.parametrize("kind", [Poller, EngineIO], ids=lambda kind: str(kind.__name__))
def test_one_who_never_joins_is_cut_after_the_connect_timeout(port: str, kind: Any) -> None:
    victim = victim_of(port, hasty)
    with besieged(victim):
        strangers = [kind(victim.port) for _ in range(100)]
        for stranger in strangers:
            with pytest.raises(Over):
                # Heartbeats are answered: it is not for silence that it ends.
                stranger.packet()
            stranger.close()


@both_ports
def test_one_who_keeps_asking_for_what_is_refused_is_cut_as_well(port: str) -> None:
    victim = victim_of(port, hasty)
    with besieged(victim), EngineIO(victim.port) as stranger, pytest.raises(Over):
        keep_asking(stranger)


def keep_asking(stranger: EngineIO) -> None:
    while True:
        stranger.send_text('40{"token":"no"}')
        assert stranger.packet() == '44{"message":"Invalid or expired session token"}'
