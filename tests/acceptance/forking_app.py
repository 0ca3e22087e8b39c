"""An application server that forks after it has used the gate, as gunicorn with a preloaded application does."""

from __future__ import annotations

import os
import sys

from acceptance.stranger_checks import EVENT

from preflight import runner

CHILDREN = 3


def asked(who: str) -> str:
    """Ask in both modes and say what came of it."""
    light = runner.run(mode="light", event_type=EVENT, only=["alpha"], metadata={"do": {"alpha": "passes"}})
    report = runner.run(event_type=EVENT, only=["alpha"], metadata={"do": {"alpha": "passes"}})
    return f"{who} {report.verdict} {light.report(timeout=30).verdict}"


def say(text: str) -> None:
    """Write a line at once: a forked process must not inherit it unwritten."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Ask, fork, ask in every process at once, and ask again."""
    say(asked("before"))
    children = []
    for number in range(CHILDREN):
        pid = os.fork()
        if pid == 0:
            say(asked(f"child{number}"))
            return 0
        children.append(pid)
    say(asked("parent"))
    return max(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children)


if __name__ == "__main__":
    sys.exit(main())
