"""Ask whether a file system has space left."""

from __future__ import annotations

import dataclasses
import re
import shutil
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field

from preflight.context import CheckContext
from preflight.declaration import PreFlightCheck
from preflight.examples import failed, passed, skipped, warning
from preflight.settings import Settings
from preflight.types import CheckResult

Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]


@dataclasses.dataclass(frozen=True, kw_only=True)
class DiskCheck(PreFlightCheck):
    """Compare the free space of a file system with a threshold.

    Passes from `warn_below_percent` on, warns below it, fails below `fail_below_percent`. What counts is the space that
    ordinary users have.
    """

    name: str = "disk"
    priority: int = 0
    timeout: float = 2.0
    path: Annotated[Path, Field(description="the file system that holds this path")] = Path("/")
    warn_below_percent: Annotated[Percent, Field(description="less free space is a warning")] = 15.0
    fail_below_percent: Annotated[Percent, Field(description="less free space is a failure")] = 5.0

    default_remediation = "See whether the file system hangs, as one on a lost network share does: `df` tells."
    examples = (
        passed("<62> % of </data> is free"),
        warning("<11> % of </data> is free", "Free space on </data>, or move the data."),
        failed("<3> % of </data> is free", "Free space on </data>, or move the data."),
        failed(
            "</data> cannot be looked at: <No such file or directory>",
            "Create or mount </data>, or correct PREFLIGHT_CHECK_DISK_PATHS.",
        ),
        skipped("</proc> is on a file system without a size"),
    )

    @classmethod
    def from_settings(cls, settings: Settings) -> Iterable[Self]:
        """Ask about every path of `PREFLIGHT_CHECK_DISK_PATHS`: `disk` for the first, `disk_<path>` for the others."""
        paths = dict.fromkeys(Path(text).expanduser() for text in settings.check_disk_paths)
        named: dict[str, Path] = {}
        for path in paths:
            named[_free_name(path, named)] = path
        return [cls(name=name, path=path) for name, path in named.items()]

    def execute(self, context: CheckContext) -> CheckResult:
        """Read the free space that ordinary users have."""
        try:
            usage = shutil.disk_usage(self.path)
        except OSError as error:
            return CheckResult.failed(
                f"{self.path} cannot be looked at: {error.strerror}",
                error=type(error).__name__,
                remediation=f"Create or mount {self.path}, or correct PREFLIGHT_CHECK_DISK_PATHS.",
            )
        if not usage.total:
            return CheckResult.skipped(f"{self.path} is on a file system without a size")
        return self._judged(100 * usage.free / usage.total)

    def _judged(self, free: float) -> CheckResult:
        message = f"{free:.0f} % of {self.path} is free"
        advice = f"Free space on {self.path}, or move the data."
        if free < self.fail_below_percent:
            return CheckResult.failed(message, remediation=advice)
        if free < self.warn_below_percent:
            return CheckResult.warning(message, remediation=advice)
        return CheckResult.passed(message)


def _free_name(path: Path, taken: Collection[str]) -> str:
    if not taken:
        return "disk"
    slug = re.sub(r"[^a-z0-9]+", "_", str(path).lower()).strip("_") or "root"
    names = (f"disk_{slug}"[:60], *(f"disk_{slug}"[:60] + f"_{number}" for number in range(2, 500)))
    return next(name for name in names if name not in taken)
