"""What the pool knows of a check's process and the check cannot say: that it died, or was killed for its time."""

from __future__ import annotations

import queue
import re
from typing import Any, NamedTuple
from uuid import UUID

from preflight.engine.execution import timed_out
from preflight.engine.lines import errored
from preflight.engine.runs import Runs
from preflight.engine.state import RunState

_EXIT = re.compile(r"signal (?P<signal>\d+)|exitcode (?P<code>-?\d+)")


class Obituary(NamedTuple):
    """A check whose process is gone. `timeout` is true when the pool killed it for its time."""

    run_id: UUID
    name: str
    timeout: bool
    exit_text: str = ""


#: Filled by the pool's event loop, which must not wait for Redis; emptied by the watchdog's thread.
obituaries: queue.SimpleQueue[Obituary] = queue.SimpleQueue()


def report_deaths(runs: Runs) -> None:
    """Record every check whose process died since the last call."""
    while not obituaries.empty():
        obituary = obituaries.get()
        state = RunState(obituary.run_id, runs.fields(obituary.run_id))
        check = next((check for check in state.unanswered if check.name == obituary.name), None)
        if check is not None and not state.ended:
            runs.record(state.id, check.name, _answer(obituary, check.timeout), check.severity)


def _answer(obituary: Obituary, timeout: float) -> dict[str, Any]:
    if obituary.timeout:
        return timed_out(timeout)
    return errored(
        f"the worker process died{obituary.exit_text}",
        "The check ended its process: look for os._exit, a crash in C or too little memory.",
    )


def exit_text(words: str) -> str:
    """Return " (signal 11)" or " (exit code 3)" from the pool's words for how a process ended."""
    found = _EXIT.search(words)
    if not found:
        return ""
    return f" (signal {found['signal']})" if found["signal"] else f" (exit code {found['code']})"
