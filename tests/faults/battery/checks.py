"""The checks of the battery. What each does is in the run's metadata; what it really answered goes to a file.

`metadata["do"][name]` names a behaviour, "passes" without one; `metadata["ms"]` is how long each takes before it;
`metadata["truth"]` is the file. A line is written when a check is asked and when it has answered, before anybody
else can know the answer.
"""

from __future__ import annotations

import os
import threading
import time
from typing import Any, NoReturn

from acceptance.stranger_behaviours import BEHAVIOURS as STRANGERS
from faults.battery import lines

from preflight import CheckContext, CheckResult, PreFlightCheck

EVENT = "battery"
#: The blocking checks of full runs, and those of light ones.
FULL = ("alpha", "beta", "five", "advice", "twenty")
LIGHT = ("alpha", "five", "advice")
#: Does not block, whatever it says.
ADVISORY = "advice"


def deadlocks(context: CheckContext) -> None:
    """Wait for a lock that this very thread holds."""
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


def hoards(context: CheckContext) -> NoReturn:
    """Ask for more memory than any machine has."""
    bytearray(1 << 60)
    raise AssertionError


def recurses(context: CheckContext) -> object:
    return recurses(context)


BEHAVIOURS = STRANGERS | {"deadlocks": deadlocks, "hoards": hoards, "recurses": recurses}


class _Asked(PreFlightCheck):
    event_types = (EVENT,)
    timeout = 3.0

    def execute(self, context: CheckContext) -> CheckResult:
        """Say that it is asked, do what the run says, say what it answered."""
        self._note(context, "asked")
        time.sleep(context.metadata["ms"] / 1000)
        try:
            answer = BEHAVIOURS[context.metadata["do"].get(self.name, "passes")](context)
        except BaseException:
            self._note(context, "raised")
            raise
        self._note(context, answer.status.value if isinstance(answer, CheckResult) else "garbage")
        return answer

    def _note(self, context: CheckContext, said: str) -> None:
        place: Any = context.metadata["truth"]
        lines.append(place, run=str(context.run_id), check=self.name, said=said, pid=os.getpid())


class Alpha(_Asked):
    """One of two in tier 0."""

    name = "alpha"


class Beta(_Asked):
    """The other."""

    name = "beta"


class Brief(_Asked):
    """One that has little time, in tier 0 too."""

    name = "brief"
    timeout = 0.6


class Five(_Asked):
    """Alone in tier 5."""

    name = "five"
    priority = 5


class Advice(_Asked):
    """One whose no stops nothing."""

    name = ADVISORY
    priority = 10
    severity = "advisory"


class Twenty(_Asked):
    """The last, asked by full runs only."""

    name = "twenty"
    priority = 20
