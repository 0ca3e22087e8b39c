"""What the OpenAPI says besides the answers' shapes: errors that every route may give, and the body of a run."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel


class Error(BaseModel):
    """What went wrong, in one line that says what to do."""

    error: str


#: The answers that every route may give.
ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": Error, "description": "A name under which the page is not served"},
    401: {"model": Error, "description": "No session and no token"},
    403: {"model": Error, "description": "Not for this role, or no CSRF token"},
    404: {"model": Error, "description": "Nothing there"},
    422: {"model": Error, "description": "Wrong arguments"},
    429: {"model": Error, "description": "Too many tries, or runs"},
    500: {"model": Error, "description": "An error of the page itself"},
    503: {"model": Error, "description": "Redis or PostgreSQL is away"},
}

#: The body of a run. It is read strictly by hand, so that FastAPI does not know it.
RUN: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["event_type"],
                    "additionalProperties": False,
                    "properties": {
                        "event_type": {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,49}$"},
                        "mode": {"type": "string", "enum": ["full", "light"], "default": "full"},
                        "campaign_id": {"type": ["string", "null"], "format": "uuid"},
                        "streamer_ids": {"type": "array", "items": {"type": "string"}, "maxItems": 1000},
                        "triggered_by": {"type": ["string", "null"], "format": "uuid"},
                        "metadata": {"type": "object"},
                        "params": {"type": "object", "additionalProperties": {"type": "object"}},
                        "timeout": {"type": ["number", "null"], "exclusiveMinimum": 0, "maximum": 3600},
                        "max_age": {"type": ["number", "null"], "minimum": 0, "maximum": 86400},
                        "short_circuit": {"type": "string", "enum": ["check", "tier", "never"]},
                        "only": {"type": "array", "items": {"type": "string"}},
                        "exclude": {"type": "array", "items": {"type": "string"}},
                    },
                }
            }
        },
    },
}
for _status, _description in {408: "The body came too slowly", 413: "The body is too large", 415: "Not JSON"}.items():
    RUN.setdefault("responses", {})[str(_status)] = {
        "description": _description,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }


def shape(model: Any, status: int = 200) -> dict[int | str, dict[str, Any]]:
    """Return the documentation of an answer."""
    return {status: {"model": model}}
