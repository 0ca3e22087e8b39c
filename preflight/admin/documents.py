"""JSON that clients send, read strictly: what could mean two things is refused."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request

from preflight.admin.problems import Problem
from preflight.context import shown


async def read_object(request: Request) -> dict[str, Any]:
    """Return the JSON object that a request carries; a `Problem` that says what is wrong with it."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Problem(415, f"Send the JSON with Content-Type: application/json, not {shown(kind)}.")
    found = _parsed(await request.body())
    if not isinstance(found, dict):
        raise Problem(422, f"The body must be a JSON object, not {shown(found)}.")
    return found


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refused)
    except RecursionError:
        raise Problem(422, "The body is nested too deep.") from None
    except UnicodeDecodeError:
        raise Problem(422, "The body is not UTF-8.") from None
    except ValueError as error:
        raise Problem(422, f"The body is not JSON: {shown(str(error))}") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{name[:40]!r} is given twice")
        found[name] = value
    return found


def _refused(constant: str) -> Any:
    raise ValueError(f"{constant} is no number")
