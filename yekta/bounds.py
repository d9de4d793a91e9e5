"""Numbers among settings: of one that cannot be meant it is heard where it is set, and not from clients later."""

from __future__ import annotations

from typing import Any

import attrs

# By how a field's type is written.
_KINDS: dict[Any, type | tuple[type, ...]] = {"int": int, "int | None": (int, type(None)), "float": (int, float)}


def checked(cls: type, fields: list[attrs.Attribute[Any]]) -> list[attrs.Attribute[Any]]:
    """A ``field_transformer`` of attrs: every number must be one, of its kind, and 0 or above."""
    return [
        field.evolve(validator=_not_negative) if field.type in _KINDS and field.validator is None else field
        for field in fields
    ]


def positive(instance: object, field: attrs.Attribute[Any], value: Any) -> None:
    """A validator of attrs: as above, and not 0. Raises :class:`TypeError` or :class:`ValueError`, naming the field."""
    _check_kind(field, value)
    # Not a number is neither.
    if value is not None and not value > 0:
        raise ValueError(f"{field.name} must be above 0, not {value!r}")


def _not_negative(instance: object, field: attrs.Attribute[Any], value: Any) -> None:
    _check_kind(field, value)
    if value is not None and not value >= 0:
        raise ValueError(f"{field.name} must be 0 or above, not {value!r}")


def _check_kind(field: attrs.Attribute[Any], value: Any) -> None:
    # Python takes False for 0: of a threshold for one that everything reaches, though whoever says so means none.
    if isinstance(value, bool) or not isinstance(value, _KINDS[field.type]):
        kind = "a number" if str(field.type) == "float" else "a whole number"
        raise TypeError(f"{field.name} must be {kind}, not {value!r}")
