"""The ``Retry-After`` of an answer (RFC 9110, 10.2.3)."""

from __future__ import annotations

from collections.abc import Container

from yekta.web.origins import ALLOW_ORIGIN


def retry_after(seconds: float | None, cors: Container[str]) -> dict[str, str]:
    """The fields that say when to ask again; none for ``None``. ``cors``: the fields that the answer has for pages.

    A page of another origin reads no field but a few that are not named (Fetch, 3.2.3).
    """
    if seconds is None:
        return {}
    fields = {"Retry-After": str(max(1, round(seconds)))}
    if ALLOW_ORIGIN in cors:
        fields["Access-Control-Expose-Headers"] = "Retry-After"
    return fields
