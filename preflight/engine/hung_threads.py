"""What each thread of this process is asking, and until when. A thread cannot be stopped, only be seen to hang."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import NamedTuple

#: A thread that is still at its check this long after the check's timeout is hung.
HUNG_AFTER_SECONDS = 5.0


class _Question(NamedTuple):
    check: str
    until: float


_asking: dict[int, _Question] = {}


@contextlib.contextmanager
def asking(check: str, timeout: float) -> Iterator[None]:
    """Note what this thread is asking, for at most `timeout` seconds."""
    thread = threading.get_ident()
    _asking[thread] = _Question(check, time.monotonic() + timeout)
    try:
        yield
    finally:
        _asking.pop(thread, None)


def hung_threads() -> dict[int, str]:
    """Return the identities of threads that hang, each with the name of its check."""
    limit = time.monotonic() - HUNG_AFTER_SECONDS
    return {thread: question.check for thread, question in _asking.copy().items() if question.until < limit}
