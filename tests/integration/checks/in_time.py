"""Ask checks as a worker does, and hold each execution to its bound: the check's timeout and 500 ms."""

from __future__ import annotations

import concurrent.futures
import time

from examples import documented
from integration.checks.conftest import CONTEXT

from preflight.engine.execution import fenced
from preflight.types import CheckResult, Status

TIMEOUT = 1.0
OVERRUN_MS = 500
#: On a busy machine the fence may come before the check, which has a tenth of its timeout to answer.
SAID_BY_THE_FENCE = f"timed out after {TIMEOUT:g} s"


def execution(check, context=CONTEXT):
    """Ask a check as a worker does; return its answer, and how long it took in milliseconds."""
    started = time.monotonic()
    answer = fenced(check, context, check.timeout)
    return answer, (time.monotonic() - started) * 1000


def is_over_in_time(check, *, says=("failed",), context=CONTEXT):
    """Assert that an execution keeps the promise, and that an answer of the check's own is documented."""
    answer, duration_ms = execution(check, context)

    assert duration_ms <= check.timeout * 1000 + OVERRUN_MS, (check.name, answer)
    assert "canary" not in repr(answer)
    if answer["message"] != SAID_BY_THE_FENCE:
        assert answer["status"] in says, (check.name, answer)
        documented(check, result_of(answer))


def result_of(answer):
    """Return an answer of the engine as the check gave it."""
    status = Status(answer["status"])
    good = status in (Status.PASSED, Status.WARNING)
    return CheckResult(good, answer["message"], status=status, remediation=answer["remediation"])


def together(checks, **details):
    """Ask checks at the same time, as the workers' threads do: they only wait."""
    with concurrent.futures.ThreadPoolExecutor(len(checks)) as pool:
        for asked in [pool.submit(is_over_in_time, check, **details) for check in checks]:
            asked.result()


def one_after_the_other(checks, **details):
    """Ask checks in turns, in the main thread, where the alarm stands behind them."""
    for check in checks:
        is_over_in_time(check, **details)


def name_of(peer):
    """Return how a peer is called in the name of a test."""
    return getattr(peer, "__name__", peer)
