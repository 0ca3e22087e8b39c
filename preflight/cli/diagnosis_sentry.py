"""Sentry: whether it is set, and takes events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from preflight.cli.diagnosis import Finding

if TYPE_CHECKING:
    from sentry_sdk.utils import Auth

    from preflight.settings import Settings

_TIMEOUT_SECONDS = 3.0
#: An envelope without anything in it: the key is looked at, and no event is made.
_NOTHING = b"{}\n"


def sentry(settings: Settings) -> Iterator[Finding]:
    """Look at the receiver of events. Runs need none, so nothing here is more than a warning."""
    if settings.sentry_dsn is None:
        yield Finding("sentry", "ok", "PREFLIGHT_SENTRY_DSN is not set: no Sentry is told about NO-GO runs")
        return
    from preflight.observability.sentry import parsed

    try:
        dsn = parsed(settings)
    except ValueError as error:
        yield Finding("sentry", "warning", f"{error}. Sentry is off", "Copy the DSN from the project's settings.")
        return
    yield _answer(f"{dsn.netloc}, project {dsn.project_id}", dsn.to_auth("preflight-doctor"))


def _answer(place: str, auth: Auth) -> Finding:
    import httpx

    headers = {"X-Sentry-Auth": auth.to_header(), "Content-Type": "application/x-sentry-envelope"}
    try:
        status = httpx.post(auth.get_api_url(), content=_NOTHING, headers=headers, timeout=_TIMEOUT_SECONDS).status_code
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        todo = "Check PREFLIGHT_SENTRY_DSN and the way there; runs go on without."
        return Finding("sentry", "warning", f"{place} does not answer: {type(error).__name__}", todo)
    if 200 <= status < 300:
        return Finding("sentry", "ok", f"{place} answers")
    if status in (400, 401, 403, 404):
        todo = "Copy the DSN from the project's settings."
        return Finding("sentry", "warning", f"{place} refuses the key or knows no such project ({status})", todo)
    return Finding("sentry", "warning", f"{place} answers with status {status}", "See its own log; runs go on.")
