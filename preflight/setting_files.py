"""Secrets in files: `PREFLIGHT_<NAME>_FILE` names a file that holds the value of `PREFLIGHT_<NAME>`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from preflight.exceptions import InvalidSettings
from preflight.redaction import redact

SUFFIX = "_FILE"
#: No address and no key is longer: a larger file is the wrong one.
MAX_BYTES = 64 * 1024


def from_files(environment: Mapping[str, str], secrets: Mapping[str, str]) -> dict[str, str]:
    """Return secrets by field name that a file holds and no variable; raise `InvalidSettings` for an unusable file.

    `secrets` has the variable of each field. White space at the end of a file does not count, nor does an empty one.
    """
    found = {}
    for field, variable in secrets.items():
        path = environment.get(f"{variable}{SUFFIX}")
        if path and not environment.get(variable) and (text := _text(f"{variable}{SUFFIX}", path)):
            found[field] = text
    return found


def _text(variable: str, path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        text = content.decode().rstrip()
    except (OSError, ValueError) as error:
        reason = (error.strerror or "it cannot be read") if isinstance(error, OSError) else "it holds no text"
        raise _unusable(variable, path, reason) from None
    if len(content) > MAX_BYTES:
        raise _unusable(variable, path, "it is larger than 64 KiB")
    return text


def _unusable(variable: str, path: str, reason: str) -> InvalidSettings:
    return InvalidSettings(f"{variable}={redact(repr(path))}: {reason}. Name a file with the secret in it.")
