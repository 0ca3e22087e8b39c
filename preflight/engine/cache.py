"""Under which key an answer is kept: the check, its version and parameters, and the scope in which it is the same."""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
from collections.abc import Mapping
from typing import Any

from preflight.context import CheckContext
from preflight.declaration import PreFlightCheck, definition_of


def cache_key(
    check: PreFlightCheck, params: Mapping[str, Any], context: CheckContext, revision: int = 0
) -> tuple[str | None, int]:
    """Return the key and the time to live in ms of a check's answer; (None, 0) when it is not to be kept.

    With each `revision`, the version in which operators last changed the check, no older answer is taken: not even
    when a change is taken back.

    A scope function that raises, or a campaign's scope without a campaign, keeps nothing.
    """
    if check.cache_ttl is None:
        return None, 0
    scope = _scope(check, context)
    if scope is None:
        return None, 0
    parts = [check.name, _version(check), revision, dict(params), scope]
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True, default=repr).encode()).hexdigest()[:32]
    return f"{check.name}:{digest}", round(check.cache_ttl * 1000)


def _scope(check: PreFlightCheck, context: CheckContext) -> str | None:
    if callable(check.cache_scope):
        try:
            return f"own {check.cache_scope(context)}"
        except Exception:
            return None
    if check.cache_scope == "campaign":
        return f"campaign {context.campaign_id}" if context.campaign_id else None
    return "global"


def _version(check: PreFlightCheck) -> str:
    """Return a digest that changes with the check's code and with its own fields, secrets among them."""
    fields = sorted((name, _text(value)) for name, value in vars(check).items())
    return hashlib.sha256(f"{_source(definition_of(check))} {fields}".encode()).hexdigest()


def _text(value: object) -> str:
    # A function's repr holds its address, which differs from process to process.
    return getattr(value, "__qualname__", "") if callable(value) else repr(value)


@functools.lru_cache(maxsize=1024)
def _source(definition: object) -> str:
    try:
        return inspect.getsource(definition)  # type: ignore[arg-type]  # classes and functions; others raise
    except Exception:  # Python 3.11's parser also raises SystemError, when several threads parse
        return repr(definition)
