"""JSONP, and compressed answers (reference: Transports and Engine.IO session, rows 6 and 14)."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from urllib.parse import parse_qs, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.cost import costs_less
from tests.support.engines import Gateway, PollingClient
from tests.support.memory import Answer
from yekta import jsontext
from yekta.engineio.exchange import _form_data

Start = Callable[..., Gateway]

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def jsonp(client: PollingClient, index: str = "0") -> Answer:
    """What a poll by JSONP is answered; something waits for it."""
    return client.gateway.ask(f"{client.query()}&j={index}").next_answer()


def jsonp_post(client: PollingClient, body: str) -> Answer:
    return client.gateway.ask(f"{client.query()}&j=0", "POST", FORM, body.encode()).next_answer()


# -- JSONP, GET ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "script"),
    [
        ("a", b'___eio[0]("4a");'),
        ("", b'___eio[0]("4");'),
        ('say "hi" \\ \n', rb'___eio[0]("4say \"hi\" \\ \n");'),
        ("سلام 😀", '___eio[0]("4سلام 😀");'.encode()),
        ("\u2028\u2029", rb'___eio[0]("4\u2028\u2029");'),
        ("</script>", b'___eio[0]("4</script>");'),
        (b"\x01\x02\x03", b'___eio[0]("bAQID");'),
    ],
)
def test_a_poll_is_answered_with_a_script(gateway: Gateway, said: str | bytes, script: bytes) -> None:
    client = gateway.open()
    gateway.user.connection.send(said)
    answer = jsonp(client)
    assert answer.body == script
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/javascript; charset=UTF-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-length"] == str(len(script))


@pytest.mark.parametrize(
    ("index", "shown"), [("12", "12"), ("0", "0"), ("", ""), ("1);alert(2", "12"), ("%D9%A3a", "")]
)
def test_only_the_digits_of_the_index_are_used(gateway: Gateway, index: str, shown: str) -> None:
    client = gateway.open()
    gateway.user.connection.send("a")
    assert jsonp(client, index).body == f'___eio[{shown}]("4a");'.encode()


def test_the_handshake_is_a_script_too_and_packets_are_joined_as_ever(start: Start) -> None:
    gateway = start(initial_packet="first")
    answer = gateway.ask("EIO=4&transport=polling&j=7").next_answer()
    text = json.loads(answer.body.removeprefix(b"___eio[7](").removesuffix(b");"))
    assert [packet[0] for packet in text.split("\x1e")] == ["0", "4"]


def test_a_refusal_is_json_as_ever(gateway: Gateway) -> None:
    answer = gateway.ask("EIO=4&transport=polling&j=0&sid=unknown").next_answer()
    assert (answer.status, answer.body) == (400, b'{"code":1,"message":"Session ID unknown"}')


# -- JSONP, POST ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("4hello", "hello"),
        # As engine.io-client writes it: escaped line ends are escaped once more.
        (r"4one\ntwo", "one\ntwo"),
        (r"4one\\ntwo", r"one\ntwo"),
        (r"4\\n\n\\n", "\\n\n\\n"),
        (r"4C:\temp", r"C:\temp"),
        ("4a+b&c=d%", "a+b&c=d%"),
        ("4سلام 😀", "سلام 😀"),
    ],
)
def test_a_post_brings_the_payload_in_a_form_field(gateway: Gateway, field: str, message: str) -> None:
    client = gateway.open()
    answer = jsonp_post(client, "d=" + quote_plus(field))
    assert (answer.status, answer.body) == (200, b"ok")
    assert gateway.user.messages() == [message]


@given(st.text(st.characters(exclude_categories=("Cs",)) | st.sampled_from("\n\\n")))
def test_what_engine_io_client_escapes_is_restored(text: str) -> None:
    # Its own words: rEscapedNewline = /\\n/g, replaced by "\\\\n"; then the textarea's line ends by "\\n".
    if "\r" in text:
        return
    written = text.replace("\\n", "\\\\n").replace("\n", "\\n")
    # A backslash before a line end cannot be told apart from an escaped one; the client has the same flaw.
    if "\\\n" not in text:
        assert _form_data(f"d={quote_plus(written)}".encode()).decode() == text


@pytest.mark.parametrize(
    "body", ["", "d=", "e=4hello", "4hello", "d=" + quote_plus("9"), "&".join(["d=4a"] * 20), "d=%ff"]
)
def test_a_malformed_form_ends_the_connection(gateway: Gateway, body: str) -> None:
    client = gateway.open()
    assert jsonp_post(client, body).status == 400
    assert gateway.user.reasons() == ["parse error"]


@pytest.mark.parametrize("stray", ["%", "%4", "%g1", "%%41", "%u0041"])
def test_a_percent_sign_that_escapes_nothing_ends_the_connection(gateway: Gateway, stray: str) -> None:
    client = gateway.open()
    assert jsonp_post(client, f"d=4{stray}").status == 400
    assert gateway.user.reasons() == ["parse error"]


# What may stand in a form, escaped and not.
PIECES = ("d=", "d", "e", "=", "&", "+", "%41", "%D8%B3", "%ff", "%5C", "\\", "x41", "u0041", "س")


@given(st.lists(st.sampled_from(PIECES)))
def test_a_form_is_read_as_any_other(parts: list[str]) -> None:
    body = "".join(parts)
    fields = parse_qs(body, keep_blank_values=True)
    if body.count("&") < 8:
        assert _form_data(body.encode()).decode() == fields.get("d", [""])[0]


@pytest.mark.parametrize("unit", ["%41", "%D8%B3", "%ff", "%5Cn", r"\n", r"\\n", "%", "س%41", "\\"])
def test_a_long_form_keeps_nobody_waiting(unit: str) -> None:
    body = f"d=4{unit * (990_000 // len(unit.encode()))}".encode()
    # Some 10 ms, and 25 where each byte is a backslash.
    assert costs_less(lambda: _form_data(body), 0.05)


def test_a_form_that_is_not_utf_8_ends_the_connection(gateway: Gateway) -> None:
    client = gateway.open()
    assert gateway.ask(f"{client.query()}&j=0", "POST", FORM, b"d=4\xff").next_answer().status == 400
    assert gateway.user.reasons() == ["parse error"]


# -- compression ---------------------------------------------------------------------------------------------


def polled(
    gateway: Gateway, encodings: str | None, said: str, *, compress: bool = True, query: str = ""
) -> tuple[str | None, bytes]:
    """How a poll was answered: its content encoding, and its body in plain."""
    client = gateway.open()
    gateway.user.connection.send_packet("4" + said, compress)
    headers = {} if encodings is None else {"Accept-Encoding": encodings}
    answer = gateway.ask(client.query() + query, headers=headers).next_answer()
    assert answer.status == 200
    assert answer.headers["content-length"] == str(len(answer.body))
    encoding = answer.headers.get("content-encoding")
    plain = {"gzip": gzip.decompress, "deflate": zlib.decompress, None: bytes}
    return encoding, plain[encoding](answer.body)


@pytest.mark.parametrize(
    "encodings", ["gzip", "gzip, deflate, br", "deflate, gzip;q=1.0", "br;q=1, gzip;q=0.5", "GZIP", "*"]
)
def test_a_longer_answer_is_compressed_where_the_client_can_take_it(start: Start, encodings: str) -> None:
    gateway = start(http_compression=1024)
    assert polled(gateway, encodings, "x" * 1023) == ("gzip", b"4" + b"x" * 1023)


@pytest.mark.parametrize(
    "encodings",
    [None, "", "identity", "br", "gzip;q=0", "gzip; q=0.000", "*;q=0", "notgzip", "x-gzipped"],
)
def test_an_answer_is_not_compressed_where_the_client_does_not_ask(start: Start, encodings: str | None) -> None:
    gateway = start(http_compression=1024)
    assert polled(gateway, encodings, "x" * 5000) == (None, b"4" + b"x" * 5000)


@pytest.mark.parametrize("encodings", ["deflate", "gzip;q=0, *", "br, deflate;q=0.5"])
def test_deflate_serves_clients_without_gzip(start: Start, encodings: str) -> None:
    gateway = start(http_compression=1024)
    assert polled(gateway, encodings, "x" * 5000) == ("deflate", b"4" + b"x" * 5000)


def test_an_answer_below_the_threshold_is_not_compressed(start: Start) -> None:
    gateway = start(http_compression=1024)
    assert polled(gateway, "gzip", "x" * 1022) == (None, b"4" + b"x" * 1022)


def test_what_is_not_worth_it_is_not_compressed(start: Start) -> None:
    gateway = start(http_compression=1024)
    assert polled(gateway, "gzip", "x" * 5000, compress=False) == (None, b"4" + b"x" * 5000)


@pytest.mark.parametrize("first", [False, True])
def test_one_packet_that_is_worth_it_is_enough(start: Start, first: bool) -> None:
    gateway = start(http_compression=1024)
    client = gateway.open()
    gateway.user.connection.send_packet("4" + "x" * 5000, compress=first)
    gateway.user.connection.send_packet("4y", compress=not first)
    answer = client.request("GET", headers={"Accept-Encoding": "gzip"}).next_answer()
    assert answer.headers["content-encoding"] == "gzip"
    gateway.user.connection.send_packet("4" + "x" * 5000, compress=False)
    answer = client.request("GET", headers={"Accept-Encoding": "gzip"}).next_answer()
    assert "content-encoding" not in answer.headers, "what was said before counts no more"


def test_nothing_is_compressed_unless_it_is_switched_on(gateway: Gateway) -> None:
    assert polled(gateway, "gzip", "x" * 5000) == (None, b"4" + b"x" * 5000)


def test_a_script_is_compressed_too(start: Start) -> None:
    gateway = start(http_compression=1024)
    script = f"___eio[0]({jsontext.encode('4' + 'x' * 5000)});".encode()
    assert polled(gateway, "gzip", "x" * 5000, query="&j=0") == ("gzip", script)


def test_a_refusal_is_never_compressed(start: Start) -> None:
    gateway = start(http_compression=0)
    answer = gateway.ask("EIO=4&transport=polling&sid=x", headers={"Accept-Encoding": "gzip"}).next_answer()
    assert "content-encoding" not in answer.headers
