"""How long to wait for a model, in seconds."""

from __future__ import annotations

import attrs


@attrs.frozen
class Patience:
    """Time limits of one request.

    ``first_byte`` runs from the request to the first byte of the answer's body: a model reads a long prompt
    and may load first. ``idle`` bounds the silence between two reads and does not run while reading is
    paused. ``total`` bounds everything. ``linger`` is granted to the connection after the answer is complete,
    so that it can be used again. ``check`` bounds a health check. The time to connect is the agent's.
    """

    first_byte: float = 60.0
    idle: float = 30.0
    total: float = 300.0
    linger: float = 1.0
    check: float = 5.0
