"""Ask whether the machine, or the control group that a container is, has memory left."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NamedTuple

import psutil
from pydantic import Field

from preflight.context import CheckContext
from preflight.declaration import PreFlightCheck
from preflight.examples import failed, passed, warning
from preflight.types import CheckResult

FREE_MEMORY = "See which process grows, as `ps aux --sort=-rss` tells; end it, or give the worker's host more memory."

Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]


class Budget(NamedTuple):
    """Memory that may be used, and what of it is available: both in bytes."""

    whose: str
    total: int
    available: int

    @property
    def percent(self) -> float:
        """What is available, in percent."""
        return 100 * self.available / self.total


@dataclasses.dataclass(frozen=True, kw_only=True)
class MemoryCheck(PreFlightCheck):
    """Compare the memory that is available where the worker runs with a threshold.

    Passes from `warn_below_percent` on, warns below it, fails below `fail_below_percent`. Limits of control groups,
    which containers have, count too: of the machine and every group that the worker is in, the one with the smallest
    part left is judged. Caches that the kernel gives up when needed are available.
    """

    name: str = "memory"
    priority: int = 0
    timeout: float = 2.0
    warn_below_percent: Annotated[Percent, Field(description="less available memory is a warning")] = 10.0
    fail_below_percent: Annotated[Percent, Field(description="less available memory is a failure")] = 5.0
    groups: Path = dataclasses.field(default=Path("/sys/fs/cgroup"), metadata={"parameter": False})
    memberships: Path = dataclasses.field(default=Path("/proc/self/cgroup"), metadata={"parameter": False})

    default_remediation = FREE_MEMORY
    examples = (
        passed("<41> % of <the machine's 15.6 GiB> of memory is available"),
        warning("<8> % of <the control group's 0.5 GiB> of memory is available", FREE_MEMORY),
        failed("<3> % of <the machine's 15.6 GiB> of memory is available", FREE_MEMORY),
    )

    def execute(self, context: CheckContext) -> CheckResult:
        """Read what the kernel says of this process's machine and control groups."""
        machine = psutil.virtual_memory()
        budgets = [Budget("machine", machine.total, machine.available), *self._groups()]
        return self._judged(min(budgets, key=lambda budget: budget.percent))

    def _judged(self, least: Budget) -> CheckResult:
        size = f"the {least.whose}'s {least.total / 1024**3:.1f} GiB"
        message = f"{least.percent:.0f} % of {size} of memory is available"
        facts = {"total_bytes": least.total, "available_bytes": least.available}
        if least.percent < self.fail_below_percent:
            return CheckResult.failed(message, remediation=FREE_MEMORY, metadata=facts)
        if least.percent < self.warn_below_percent:
            return CheckResult.warning(message, remediation=FREE_MEMORY, metadata=facts)
        return CheckResult.passed(message, metadata=facts)

    def _groups(self) -> Iterator[Budget]:
        """Yield the budgets of the control groups that limit this process, of version 2 and version 1."""
        with contextlib.suppress(OSError):
            for line in self.memberships.read_text().splitlines():
                number, controllers, path = line.split(":", 2)
                if number == "0":
                    yield from _limited(self.groups, path, "memory.max", "memory.current", "inactive_file")
                elif "memory" in controllers.split(","):
                    names = "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
                    yield from _limited(self.groups / "memory", path, *names)


def _limited(root: Path, path: str, limit: str, usage: str, reclaimable: str) -> Iterator[Budget]:
    """Yield the budget of a group and of those around it, as far as they can be seen from here."""
    group = root / path.strip("/")
    for folder in (group, *group.parents):
        with contextlib.suppress(OSError, ValueError):  # no limit is the word "max", which is no number
            total, used = int((folder / limit).read_text()), int((folder / usage).read_text())
            if 0 < total < psutil.virtual_memory().total:
                available = total - used + _figure(folder / "memory.stat", reclaimable)
                yield Budget("control group", total, min(total, max(0, available)))
        if folder == root:
            return


def _figure(file: Path, name: str) -> int:
    """Return a figure of a file of lines "name number", 0 if it is not there."""
    figures = dict(line.split() for line in file.read_text().splitlines())
    return int(figures.get(name, 0))
