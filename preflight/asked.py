"""Which check of which run is being asked here: whoever writes a log line meanwhile, the line can say so."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import NamedTuple


class Asked(NamedTuple):
    """A check that is being asked, and the id of its run as text."""

    run: str
    check: str


_current: ContextVar[Asked | None] = ContextVar("preflight_asked", default=None)


@contextlib.contextmanager
def asked(run: object, check: str) -> Iterator[None]:
    """Note what this thread, and the coroutines that it runs, ask meanwhile."""
    token = _current.set(Asked(str(run), check))
    try:
        yield
    finally:
        _current.reset(token)


def current() -> Asked | None:
    """Return what is being asked here, or None."""
    return _current.get()
