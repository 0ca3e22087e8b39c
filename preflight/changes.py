"""What operators changed in checks, as a value with a version. Pure: no I/O."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, Self


@dataclasses.dataclass(frozen=True)
class CheckChanges:
    """What is changed in one check: values by key. `revision` is the version that last touched it, resets included."""

    values: Mapping[str, Any]
    revision: int


@dataclasses.dataclass(frozen=True)
class Changes:
    """What is changed in all checks. `version` grows with every change; 0: nothing was ever changed."""

    version: int = 0
    checks: Mapping[str, CheckChanges] = dataclasses.field(default_factory=dict)

    def values(self, name: str) -> Mapping[str, Any]:
        """Return what is changed in a check, by key."""
        found = self.checks.get(name)
        return found.values if found else {}

    def revision(self, name: str) -> int:
        """Return the version that last touched a check; 0 if none did."""
        found = self.checks.get(name)
        return found.revision if found else 0

    @property
    def disabled(self) -> tuple[str, ...]:
        """The checks that operators have disabled, by name."""
        return tuple(sorted(name for name in self.checks if self.values(name).get("enabled") is False))

    def to_text(self) -> str:
        """Return the changes as JSON, without the version."""
        return json.dumps({name: vars(changed) for name, changed in self.checks.items()}, separators=(",", ":"))

    @classmethod
    def from_text(cls, version: int, text: str) -> Self:
        """Build the changes from what `to_text` returned; what a newer version added is ignored."""
        found = json.loads(text)
        return cls(version, {name: CheckChanges(one["values"], one["revision"]) for name, one in found.items()})


#: No operator has changed anything, as far as this process knows.
UNCHANGED = Changes()
