"""One polling request that waits for its answer: plain, compressed, or as JSONP."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Mapping

from yekta import jsontext
from yekta.web.arrival import Arrival
from yekta.web.written import Written

JAVASCRIPT = "text/javascript; charset=UTF-8"

# Fast enough to be worth it; payloads are small.
_LEVEL = 5

# Of a form.
_MAX_FIELDS = 8

# Half a character, which no decoded text holds.
_NOWHERE = "\ud800"


class HttpExchange:
    """``headers`` go with the answer. ``threshold``: compress longer bodies if the client can; ``None`` is never.

    ``written``: what `compose` makes of ``headers`` for some content types, where many answers share them.
    """

    __slots__ = ("_arrival", "_headers", "_threshold", "_written", "body")

    def __init__(
        self,
        arrival: Arrival,
        headers: Mapping[str, str],
        threshold: int | None,
        written: Mapping[str, Written] = {},
    ) -> None:
        self.body, arrival.body = arrival.body, b""
        self._arrival = arrival
        self._headers = headers
        self._threshold = threshold
        self._written = written

    def respond(
        self, status: int, content_type: str, body: bytes, headers: Mapping[str, str] = {}
    ) -> None:
        written = None if headers else self._written.get(content_type)
        if written is None:
            self._arrival.respond(status, compose({**self._headers, **headers}, content_type), body)
        else:
            self._arrival.respond(status, written, body)

    def respond_payload(self, content_type: str, payload: bytes, *, compress: bool) -> None:
        if not compress or self._threshold is None or len(payload) < self._threshold:
            self.respond(200, content_type, payload)
            return
        coding = _coding(self._arrival.asked.headers.get("accept-encoding", ""))
        if coding:
            payload = (gzip if coding == "gzip" else zlib).compress(payload, _LEVEL)
        self.respond(200, content_type, payload, {"Content-Encoding": coding} if coding else {})


class JsonpExchange(HttpExchange):
    """For pages that can only load scripts: the payload is the argument of a call (Engine.IO protocol 3, "JSONP")."""

    __slots__ = ("_index",)

    def __init__(self, arrival: Arrival, headers: Mapping[str, str], threshold: int | None) -> None:
        super().__init__(arrival, headers, threshold)
        self._index = re.sub("[^0-9]", "", arrival.asked.query["j"])
        if arrival.asked.method == "POST":
            self.body = _form_data(self.body)

    def respond_payload(self, content_type: str, payload: bytes, *, compress: bool) -> None:
        text = jsontext.encode(payload.decode()).replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
        script = f"___eio[{self._index}]({text});".encode()
        self._headers = {**self._headers, "X-Content-Type-Options": "nosniff"}
        super().respond_payload(JAVASCRIPT, script, compress=compress)


def compose(headers: Mapping[str, str], content_type: str) -> dict[str, str]:
    """The headers of an answer, ``headers`` among them."""
    return {**headers, "Content-Type": content_type, "Cache-Control": "no-store"}


def _coding(accepted: str) -> str:
    """The coding that an ``Accept-Encoding`` allows (RFC 9110, 12.5.3): gzip, deflate or none."""
    codings = (coding.partition(";") for coding in accepted.lower().split(","))
    weights = {name.strip(): weight.replace(" ", "") for name, _, weight in codings}
    for name in ("gzip", "deflate"):
        weight = weights.get(name, weights.get("*"))
        if weight is not None and re.fullmatch(r"q=0(\.0*)?", weight) is None:
            return name
    return ""


def _form_data(body: bytes) -> bytes:
    """The field ``d``. The client escapes line ends, which forms would change, and escapes its escapes."""
    try:
        body.decode()
        data = _unescaped(_field(b"d", body))
    except ValueError:
        return b""
    return data.replace(r"\\n", _NOWHERE).replace(r"\n", "\n").replace(_NOWHERE, r"\n").encode()


def _field(name: bytes, form: bytes) -> bytes:
    """The first value of that name, still escaped. Raises :class:`ValueError` where there are more fields than ours."""
    if form.count(b"&") >= _MAX_FIELDS:
        raise ValueError("too many fields")
    fields = (field.partition(b"=") for field in form.split(b"&"))
    return next((value for key, _, value in fields if key == name), b"")


def _unescaped(value: bytes) -> str:
    """As `urllib.parse.unquote_plus`, but in 10 ms for a megabyte of escapes, not 250: the escapes are spelled as
    those of Python, which reads them at once. Raises :class:`ValueError` for a ``%`` that begins none."""
    python = value.replace(b"\\", rb"\\").replace(b"%", rb"\x").replace(b"+", b" ")
    return python.decode("unicode_escape").encode("latin-1").decode(errors="replace")
