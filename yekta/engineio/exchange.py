"""One polling request on twisted.web that waits for its answer: plain, compressed, or as JSONP."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Mapping
from urllib.parse import parse_qs

from twisted.web import http

from yekta import jsontext
from yekta.web.request import Request

JAVASCRIPT = "text/javascript; charset=UTF-8"

# Fast enough to be worth it; payloads are small.
_LEVEL = 5


class WebExchange:
    """``headers`` go with the answer. ``threshold``: compress longer bodies if the client can; ``None`` is never."""

    def __init__(
        self, request: http.Request, asked: Request, headers: Mapping[str, str], threshold: int | None = None
    ) -> None:
        self.body: bytes = request.content.read() if request.content is not None else b""
        self._request: http.Request | None = request
        self._headers = headers
        self._coding = _coding(asked.headers.get("accept-encoding", ""))
        self._threshold = threshold if self._coding else None

    def respond(
        self, status: int, content_type: str, body: bytes, headers: Mapping[str, str] = {}
    ) -> None:
        request, self._request = self._request, None
        if request is None:
            return
        request.setResponseCode(status)
        for name, value in {**self._headers, **headers}.items():
            request.setHeader(name, value)
        request.setHeader("content-type", content_type)
        request.setHeader("cache-control", "no-store")
        request.setHeader("content-length", str(len(body)))
        request.write(body)
        request.finish()

    def respond_payload(self, content_type: str, payload: bytes, *, compress: bool) -> None:
        headers = {}
        if compress and self._threshold is not None and len(payload) >= self._threshold:
            payload = (gzip if self._coding == "gzip" else zlib).compress(payload, _LEVEL)
            headers["content-encoding"] = self._coding
        self.respond(200, content_type, payload, headers)

    def lost(self) -> None:
        """The client hung up."""
        self._request = None


class JsonpExchange(WebExchange):
    """For pages that can only load scripts: the payload is the argument of a call (Engine.IO protocol 3, "JSONP")."""

    def __init__(
        self, request: http.Request, asked: Request, headers: Mapping[str, str], threshold: int | None = None
    ) -> None:
        super().__init__(request, asked, headers, threshold)
        self._index = re.sub("[^0-9]", "", asked.query["j"])
        if asked.method == "POST":
            self.body = _form_data(self.body)

    def respond_payload(self, content_type: str, payload: bytes, *, compress: bool) -> None:
        text = jsontext.encode(payload.decode()).replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
        script = f"___eio[{self._index}]({text});".encode()
        self._headers = {**self._headers, "X-Content-Type-Options": "nosniff"}
        super().respond_payload(JAVASCRIPT, script, compress=compress)


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
        data = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=8).get("d", [""])[0]
    except ValueError:
        return b""
    unescaped = re.sub(r"(\\)?\\n", lambda match: match[0] if match[1] else "\n", data)
    return unescaped.replace(r"\\n", r"\n").encode()
