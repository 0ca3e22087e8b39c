"""Answers: JSON that any client can read, and pages from templates that escape whatever they show."""

from __future__ import annotations

import functools
import importlib.metadata
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from preflight.admin.wording import FILTERS

HERE = Path(__file__).parent
STATIC = HERE / "static"


class Document(JSONResponse):
    """A JSON answer in ASCII: lone surrogates in somebody's text cannot stop it."""

    def render(self, content: Any) -> bytes:
        """Return the JSON text."""
        return json.dumps(content, separators=(",", ":"), allow_nan=False).encode("ascii")


@functools.cache
def environment() -> jinja2.Environment:
    """Return the templates, read once. Everything is escaped; a name that a template does not get is an error."""
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    found.filters |= FILTERS
    found.globals["version"] = importlib.metadata.version("celery-preflight")
    return found


def render(
    request: Request,
    template: str,
    words: Mapping[str, Any],
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a page. Every template also gets `request` and `visitor` (None for a stranger)."""
    visitor = getattr(request.state, "visitor", None)
    text = environment().get_template(template).render({"request": request, "visitor": visitor, **words})
    # Surrogates cannot be sent in UTF-8.
    content = text.encode("utf-8", "replace")
    return HTMLResponse(content, status, dict(headers or {}))
