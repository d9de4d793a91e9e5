"""HTTP that is malformed, too much, too slow or ambiguous, on both ports (CWE-444 and its neighbours)."""

from __future__ import annotations

import pytest

from tests.support.attacks import Over, Wire, chunked, head, opening
from tests.support.siege import Victim, besieged, hasty, victim_of
from tests.support.strangers import Poller

both_ports = pytest.mark.parametrize("port", ["api", "ws"])
MAX = 1_000_000
POST = "/api/auth/login"
ECHO = '42["echo","' + "x" * 100 + '"]'


def post(target: str, *headers: str) -> bytes:
    """The head of a POST whose framing is up to ``headers``."""
    return "\r\n".join([f"POST {target} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode("latin-1")


def answer_to(victim: Victim, raw: bytes) -> int | None:
    """The status of the answer; ``None`` for a connection that is closed without one."""
    with Wire(victim.port) as wire:
        wire.send(raw)
        try:
            return wire.response(raw.partition(b" ")[0].decode("latin-1")).status
        except Over:
            return None


AMBIGUOUS = {
    "two lengths": post("/", "Content-Length: 5", "Content-Length: 6") + b"123456",
    "a length and chunks": post("/", "Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "chunks and a length": post("/", "Transfer-Encoding: chunked", "Content-Length: 5") + b"0\r\n\r\n",
    "a list of lengths": post("/", "Content-Length: 5, 5") + b"12345",
    "a signed length": post("/", "Content-Length: +5") + b"12345",
    "a negative length": post("/", "Content-Length: -5") + b"12345",
    "a length in Persian digits": post("/", "Content-Length: \xd9\xa5") + b"12345",
    "a length with an underscore": post("/", "Content-Length: 1_0") + b"1234567890",
    "a length of 10,000 digits": post("/", "Content-Length: " + "9" * 10_000),
    "unknown transfer coding": post("/", "Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n",
    "a signed chunk size": post("/", "Transfer-Encoding: chunked") + b"+5\r\n12345\r\n0\r\n\r\n",
    "a prefixed chunk size": post("/", "Transfer-Encoding: chunked") + b"0x5\r\n12345\r\n0\r\n\r\n",
    "a chunk size with an underscore": post("/", "Transfer-Encoding: chunked") + b"1_0\r\n1234567890\r\n0\r\n\r\n",
    "a chunk without its end": post("/", "Transfer-Encoding: chunked") + b"5\r\n12345XX0\r\n\r\n",
    "an endless chunk size": post("/", "Transfer-Encoding: chunked") + b"0" * 100_000,
    "an endless chunk extension": post("/", "Transfer-Encoding: chunked") + b"5;" + b"a" * 100_000,
    "a header without a colon": post("/", "Content-Length"),
    "a space before the colon": post("/", "Content-Length : 5") + b"12345",
    "a NUL in a header": post("/", "X-A: \0"),
    "a vertical tab in a length": post("/", "Content-Length: \x0b5") + b"12345",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0" * 100,
    "no version": b"GET /\r\n\r\n",
    "binary": bytes(range(256)) * 64,
    "an endless request line": b"GET /" + b"a" * 100_000,
    "an endless header": b"GET / HTTP/1.1\r\nX: " + b"a" * 100_000,
    "TLS": bytes.fromhex("16030100c8010000c40303") + b"\0" * 200,
    "only line ends": b"\r\n" * 50_000,
}


@both_ports
@pytest.mark.parametrize("raw", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_what_is_ambiguous_or_broken_is_refused_and_nothing_after_it_is_served(port: str, raw: bytes) -> None:
    victim = victim_of(port)
    with besieged(victim):
        for _ in range(5):
            with Wire(victim.port) as wire:
                wire.send(raw + head("GET", "/smuggled"))
                answers = wire.rest() if raw[:4] != b"\r\n\r\n" else b""
                assert answers.count(b"HTTP/1.1 ") <= 1
                assert not answers or answers.startswith(b"HTTP/1.1 4"), answers[:200]


@both_ports
@pytest.mark.parametrize("count", [2_100, 10_000])
def test_too_many_headers_are_refused(port: str, count: int) -> None:
    victim = victim_of(port)
    headers = "\n".join(f"X-{number}: 1" for number in range(count))
    upgrade = opening("/").decode().partition("\r\nHost: localhost\r\n")[2].strip().replace("\r\n", "\n")
    with besieged(victim):
        for lines in (headers, f"{upgrade}\n{headers}", f"{headers}\n{upgrade}"):
            for target in ("/", f"/ws?token={victim.token}", "/socket.io/?EIO=4&transport=websocket"):
                assert answer_to(victim, head("GET", target, lines)) in (400, 431, None)


@both_ports
@pytest.mark.parametrize("target", [POST, "/socket.io/?EIO=4&transport=polling", "/"])
def test_a_body_that_declares_too_much_is_413_before_it_is_read(port: str, target: str) -> None:
    victim = victim_of(port)
    with besieged(victim, peak=4, left=4):
        for length in (MAX + 1, 1 << 30, 1 << 60):
            assert answer_to(victim, post(target, f"Content-Length: {length}")) == 413


@both_ports
@pytest.mark.parametrize("target", [POST, "/socket.io/?EIO=4&transport=polling", "/"])
def test_a_chunked_body_is_413_once_it_is_too_much(port: str, target: str) -> None:
    victim = victim_of(port)
    with besieged(victim):
        assert answer_to(victim, chunked("POST", target, b"x" * 20 * MAX, 60_000)) == 413


@both_ports
def test_a_payload_over_the_limit_ten_times_is_413_and_the_connection_survives(port: str) -> None:
    victim = victim_of(port)
    with besieged(victim), Poller(victim.port) as stranger:
        for _ in range(10):
            with Wire(victim.port) as wire:
                answer = wire.request("POST", stranger.target, "", "4" * (MAX + 1))
                assert (answer.status, answer.body) == (413, b"")
        assert stranger.post("3") == 200


@both_ports
def test_a_body_of_20_000_chunks_of_one_byte_is_read_without_a_stall(port: str) -> None:
    victim = victim_of(port)
    body = b'{"identifier": "x", ' + b" " * 20_000 + b'"password": "y"}'
    raw = chunked("POST", POST, body, 1).replace(b"Host", b"Content-Type: application/json\r\nHost", 1)
    with besieged(victim):
        for _ in range(3):
            assert answer_to(victim, raw) == (401 if port == "api" else 200)


@both_ports
def test_no_answer_goes_to_the_wrong_request_while_a_poll_waits(port: str) -> None:
    victim = victim_of(port)
    with besieged(victim), Poller(victim.port) as poller, Wire(victim.port) as other:
        other.send(head("GET", poller.target) + head("GET", "/first") + head("GET", "/health") * 20)
        poller.post('40{"token":"no"}')
        assert other.response().body == b'44{"message":"Invalid or expired session token"}'
        expected = [404, *[200] * 20] if port == "api" else [200] * 21
        assert [other.response().status for _ in expected] == expected


@both_ports
def test_a_thousand_requests_behind_a_waiting_poll_do_not_pile_up(port: str) -> None:
    victim = victim_of(port)
    with besieged(victim), Poller(victim.port) as poller, Wire(victim.port) as other:
        other.socket.settimeout(1)
        other.send(head("GET", poller.target))
        with pytest.raises(TimeoutError):
            other.socket.sendall(head("POST", "/", "", b"x" * 100_000) * 700)


@both_ports
def test_answers_that_are_not_read_do_not_pile_up(port: str) -> None:
    victim = victim_of(port)
    with besieged(victim), Wire(victim.port, timeout=1, receive_buffer=4096) as wire:
        target = "/api-docs/openapi.json" if port == "api" else "/"
        with pytest.raises(TimeoutError):
            wire.socket.sendall(head("GET", target) * 2_000_000)


HOSTS = ("", "\n", "<script>alert(1)</script>", "evil.example", "a b", "[::1", ":::", "%ff", "\xff", "x\\@y")
HOSTS += ("a" * 10_000,)


@both_ports
@pytest.mark.parametrize("host", HOSTS)
def test_a_host_is_neither_trusted_nor_shown(port: str, host: str) -> None:
    victim = victim_of(port)
    with besieged(victim):
        for target in ("/", "/health", "/nowhere", "/console", "/api-docs", "/socket.io/?EIO=4&transport=polling"):
            with Wire(victim.port) as wire:
                wire.send(f"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode("latin-1"))
                answer = wire.response()
                assert answer.status < 500
                assert "location" not in answer.headers
                assert not host.strip() or host.encode("latin-1") not in answer.body


NOT_UTF_8 = ("Upgrade", "Origin", "Authorization", "Cookie", "Content-Type", "Accept", "User-Agent", "Connection")


@both_ports
@pytest.mark.parametrize("header", NOT_UTF_8)
def test_a_header_that_is_not_utf_8_does_no_harm(port: str, header: str) -> None:
    victim = victim_of(port)
    with besieged(victim):
        for target in ("/", "/ws", "/console", "/api/auth/session", "/socket.io/?EIO=4&transport=polling"):
            for method in ("GET", "POST", "OPTIONS"):
                status = answer_to(victim, head(method, target, f"{header}: \xff\xfe\x80"))
                assert status is not None
                assert status < 500
        assert answer_to(victim, post("/", f"{header}: \xff\xfe", "Content-Length: 9999999")) == 413


TARGETS = ("*", "foo", "http://evil.example/", "//evil.example/", "/" * 10_000, "/%", "/%ff", "/\xff", "?")
TARGETS += ("/?" + "a&" * 5000,)


@both_ports
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target[:20])
def test_an_odd_target_is_no_error_of_ours(port: str, target: str) -> None:
    victim = victim_of(port)
    with besieged(victim):
        for method in ("GET", "HEAD", "OPTIONS", "CONNECT", "TRACE", "PUT", "DELETE", "X" * 1000, "get"):
            status = answer_to(victim, head(method, target))
            assert status is not None
            assert status < 500


SLOW = {
    "headers": (b"GET / HTTP/1.1\r\n", b"X: 1\r\n"),
    "a body": (post("/", "Content-Length: 999999"), b"x"),
    "chunks": (post("/", "Transfer-Encoding: chunked"), b"1\r\nx\r\n"),
    "nothing": (b"", b""),
}


@both_ports
@pytest.mark.parametrize(("beginning", "drip"), SLOW.values(), ids=SLOW)
def test_one_who_drips_is_cut_after_the_request_timeout(port: str, beginning: bytes, drip: bytes) -> None:
    victim = victim_of(port, hasty)
    wires = [Wire(victim.port, timeout=0.05) for _ in range(50)]
    with besieged(victim):
        for wire in wires:
            wire.send(beginning)
        # Each goes on until the other side hangs up; a server that waits as long as there are drips never does.
        for wire in wires:
            assert cut_while_dripping(wire, drip)
            wire.close()


def cut_while_dripping(wire: Wire, drip: bytes) -> bool:
    for _ in range(100):
        wire.send(drip)
        try:
            wire.rest()
        except TimeoutError:
            continue
        return True
    return False
