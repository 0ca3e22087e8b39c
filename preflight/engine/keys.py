"""The names of every key and queue, all under one namespace."""

from __future__ import annotations

import dataclasses
from uuid import UUID


@dataclasses.dataclass(frozen=True)
class Keys:
    """Names for one namespace. Those without a time to live are listed in `PERMANENT`."""

    namespace: str

    #: Named keys that live as long as the system does; every other key expires.
    PERMANENT = ("due", "outbox", "numbers", "alive", "alive:requests", "workers", "beat", "settings", "counts")

    def __getitem__(self, name: str) -> str:
        return f"{self.namespace}:{name}"

    def state(self, run_id: UUID | str) -> str:
        """Return the key of a run's state."""
        return f"{self.namespace}:r:{run_id}"

    @property
    def permanent(self) -> frozenset[str]:
        """Return the keys that have no time to live."""
        return frozenset(self[name] for name in self.PERMANENT)

    @property
    def full_queue(self) -> str:
        """The queue of full runs' checks."""
        return self.namespace

    @property
    def light_queue(self) -> str:
        """The queue of light runs' checks."""
        return f"{self.namespace}.light"

    @property
    def requests_queue(self) -> str:
        """The queue where other services send `preflight.run`."""
        return f"{self.namespace}.requests"

    @property
    def maintenance_queue(self) -> str:
        """The queue of what beat sends."""
        return f"{self.namespace}.maintenance"

    @property
    def queues(self) -> tuple[str, ...]:
        """Every queue, the most urgent first."""
        return self.full_queue, self.light_queue, self.requests_queue, self.maintenance_queue
