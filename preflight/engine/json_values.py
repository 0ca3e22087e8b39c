"""A check's own values as strict JSON, copied within a budget: depth, size and time are bounded whatever they are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from preflight.redaction import storable

#: A whole answer's size once encoded.
MAX_BYTES = 64 * 1024
MAX_DEPTH = 32
#: Digits that PostgreSQL, Python and the browsers' parsers all take.
_MAX_INTEGER_BITS = 4096


class NotJson(Exception):
    """A value cannot stand in an answer; the text says which and why."""


def text_of(field: str, value: object) -> str:
    """Return a text field's plain text, without NUL and lone surrogates."""
    return _Copy(field).text(_typed(field, value, str, "text"))


def texts_of(field: str, value: object) -> list[str]:
    """Return a field that is a list of texts."""
    copy = _Copy(field)
    return [
        copy.text(_typed(f"{field} item", item, str, "text")) for item in _typed(field, value, list | tuple, "list")
    ]


def json_object(field: str, value: object) -> dict[str, Any]:
    """Return a copy of a mapping as a JSON object. NaN and the infinities become their names as text."""
    found: dict[str, Any] = _Copy(field).value(_typed(field, value, Mapping, "JSON object"), 0)
    return found


def _typed(field: str, value: Any, kind: Any, wanted: str) -> Any:
    if isinstance(value, kind):
        return value
    raise NotJson(f"returned a CheckResult whose {field} is a {type(value).__name__[:100]}, not a {wanted}")


class _Copy:
    """One field's copy, and what is left of its budget."""

    def __init__(self, field: str) -> None:
        self.field = field
        self.left = MAX_BYTES

    def value(self, value: Any, depth: int) -> Any:
        """Return a value as JSON; raise `NotJson` beyond the budget and for what JSON does not know."""
        if depth > MAX_DEPTH:
            raise NotJson(f"returned a {self.field} that is nested deeper than {MAX_DEPTH} levels")
        if isinstance(value, str):
            return self.text(value)
        self._spend(2)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return self._number(value)
        return self._container(value, depth)

    def text(self, value: str) -> str:
        """Return plain text, after paying for its length."""
        self._spend(str.__len__(value) + 2)
        return storable(str.__str__(value))

    def _container(self, value: Any, depth: int) -> Any:
        if isinstance(value, Mapping):
            return {self._key(key): self.value(item, depth + 1) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item, depth + 1) for item in _items(value)]
        raise NotJson(
            f"returned a {self.field} that holds a {type(value).__name__[:100]}, which JSON does not know:"
            " write it as text or a number"
        )

    def _key(self, key: object) -> str:
        if not isinstance(key, str):
            raise NotJson(f"returned a {self.field} with a key that is a {type(key).__name__[:100]}, not text")
        return self.text(key)

    def _number(self, value: float) -> float | str:
        if isinstance(value, float):
            plain = float.__float__(value)
            return plain if math.isfinite(plain) else str(plain)
        if int.bit_length(value) > _MAX_INTEGER_BITS:
            raise NotJson(f"returned a {self.field} with a whole number of {int.bit_length(value)} bits")
        return int.__index__(value)

    def _spend(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise NotJson(
                f"returned a {self.field} of more than {MAX_BYTES} bytes of JSON, which is the most an answer may have"
            )


def _items(value: list[Any] | tuple[Any, ...]) -> Iterable[Any]:
    """Iterate over the real items, whatever a subclass's `__iter__` does."""
    return list.__iter__(value) if isinstance(value, list) else tuple.__iter__(value)
