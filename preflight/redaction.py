"""Take secrets out of text before it leaves a process."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MASK = "***"

_SECRET_WORD = (  # the pattern that finds secrets holds none
    r"(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|private[_-]?key|credential|authorization|cookie|dsn)"
)
_URL_PASSWORD = re.compile(r"(?P<head>\b[a-z][a-z0-9+.-]*://[^\s/:@]*:)[^\s/]*(?=@)", re.IGNORECASE)
_URL_TOKEN_USER = re.compile(r"(?P<head>\bhttps?://)[^\s/:@]{8,}(?=@)", re.IGNORECASE)
_BEARER = re.compile(r"(?P<head>\b(?:bearer|basic|oauth|digest)\s+)[a-z0-9._~+/=-]{6,}", re.IGNORECASE)
_ASSIGNED = re.compile(
    rf"(?P<head>[\"']?\b[\w.-]*{_SECRET_WORD}[\w.-]*[\"']?\s*[=:]\s*)(?!{re.escape(MASK)})"
    r"(?:\"[^\"]*\"|'[^']*'|(?:bearer|basic|oauth)\s+\S+|[^\s,;&'\")\]}]+)",
    re.IGNORECASE,
)
_SECRET_KEY = re.compile(_SECRET_WORD, re.IGNORECASE)
_PATTERNS = (_URL_PASSWORD, _URL_TOKEN_USER, _BEARER, _ASSIGNED)


def redact(text: str) -> str:
    """Mask URLs' passwords, tokens, Authorization values and assignments to names that look secret."""
    for pattern in _PATTERNS:
        text = pattern.sub(lambda match: match["head"] + MASK, text)
    return text


def is_secret_name(name: str) -> bool:
    """Return whether a key is named like a secret, so that its value is never shown."""
    return bool(_SECRET_KEY.search(name))


def redact_values(value: Any) -> Any:
    """Redact every text in a JSON value, and whole values under keys that are named like secrets."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {
            key: MASK if is_secret_name(str(key)) and isinstance(item, str | int | float) else redact_values(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [redact_values(item) for item in value]
    return value
