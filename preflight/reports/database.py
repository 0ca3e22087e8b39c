"""The connection to the reports' database: bounded in time, never shared over a fork, its errors in one line."""

from __future__ import annotations

import contextlib
import os
import weakref
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError

from preflight.exceptions import ReportMisdated, ReportRefused, StoreUnavailable
from preflight.reports.errors import explained, is_misdated, is_refusal

STATEMENT_TIMEOUT_MS = 10_000

#: What a server that drops packets may cost is 3 s; without these a query on a dropped link blocks for minutes.
_CONNECT = {
    "connect_timeout": 3,
    "keepalives_idle": 2,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 3000,
    "application_name": "preflight",
}

_engines: weakref.WeakSet[Engine] = weakref.WeakSet()


def parsed(database_url: str) -> URL:
    """Return the URL with the driver that PreFlight uses; raise `StoreUnavailable` if it is no URL."""
    try:
        url = make_url(database_url)
    except (ArgumentError, ValueError):
        raise StoreUnavailable(
            "The reports' database URL cannot be read. Write postgresql://user:password@host:5432/database."
        ) from None
    if url.get_backend_name() not in {"postgresql", "postgres"}:
        raise StoreUnavailable(f"The reports' database must be PostgreSQL, not {url.get_backend_name()}.")
    return url.set(drivername="postgresql+psycopg2")


def make_engine(url: URL, *, statement_timeout_ms: int = STATEMENT_TIMEOUT_MS, **options: Any) -> Engine:
    """Return an engine with a small pool that forked children leave alone."""
    session = f"-c statement_timeout={statement_timeout_ms} -c timezone=UTC"
    engine = sa.create_engine(
        url,
        connect_args=_CONNECT | {"options": session},
        pool_pre_ping=True,
        hide_parameters=True,
        **options or {"pool_size": 2, "max_overflow": 3, "pool_timeout": 5},
    )
    _engines.add(engine)
    return engine


@contextlib.contextmanager
def explaining(url: URL) -> Iterator[None]:
    """Turn every error of SQLAlchemy and psycopg2 into `StoreUnavailable`, or `ReportRefused` if it is about a row.

    A row that no partition takes is `ReportMisdated`, which is a `ReportRefused` too.
    """
    try:
        yield
    except sa.exc.SQLAlchemyError as error:
        raise _kind(error)(explained(url, error)) from None


def _kind(error: Exception) -> type[StoreUnavailable]:
    if is_misdated(error):
        return ReportMisdated
    return ReportRefused if is_refusal(error) else StoreUnavailable


def _leave_connections_to_parent() -> None:
    """Forget, in a forked child, the connections that the parent still uses. They are not closed: they are its."""
    for engine in list(_engines):
        engine.dispose(close=False)


os.register_at_fork(after_in_child=_leave_connections_to_parent)
