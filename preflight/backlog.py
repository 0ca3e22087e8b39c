"""The outbox while its reports cannot be stored: weighed as it grows, and shed into the log beyond its bound."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from uuid import UUID

from preflight import keeping
from preflight.engine.runs import Runs, Weight
from preflight.engine.state import RunState
from preflight.types import PreFlightReport

logger = logging.getLogger("preflight.reports")

#: One recorder weighs and sheds. Longer than any attempt to store, so that it stays the same one for a whole outage.
LEASE_MS = 30_000
#: A run's state stays this long for callers who have not read it yet: what no store has is still their verdict.
KEEP_MS = 60_000
#: Shedding goes down to this part of the bound, so that the outbox is not weighed anew for every run that ends.
ROOM = 0.9
#: Reports shed before the store is tried again.
MOST_AT_ONCE = 2000


class Backlog:
    """The outbox of one namespace, kept within a number of bytes. `holder` names this process in the lease."""

    def __init__(self, runs: Runs, limit_bytes: int, holder: str) -> None:
        self._runs = runs
        self._limit = limit_bytes
        self._holder = holder
        self.forget()

    def forget(self) -> None:
        """Forget what was weighed: the outbox has changed."""
        self._count = self._bytes = 0

    def states(self, run_ids: Sequence[str]) -> list[RunState]:
        """Return the states of finished runs; one whose state is gone leaves the outbox with a line in the log."""
        fields = self._runs.fields_of_many(run_ids)
        states = [RunState(UUID(run_id), state) for run_id, state in zip(run_ids, fields, strict=True)]
        if gone := [str(state.id) for state in states if not state.ended]:
            logger.error("the state of %s is gone from Redis before its report was stored", ", ".join(gone))
            self._runs.drop(gone, "lost", KEEP_MS)
        return [state for state in states if state.ended]

    def keep_within(self, report_of: Callable[[RunState], PreFlightReport]) -> None:
        """Weigh what has come, and shed when that is too much: light runs first, then full ones, the oldest of each."""
        self._weigh()
        if self._bytes > self._limit:
            self.forget()  # some may have left meanwhile, and nothing is shed by an old account
            self._weigh()
        if self._bytes > self._limit:
            shed = self._shed(self._bytes - int(self._limit * ROOM), report_of)
            logger.error("%d reports are in this log only: more wait than PREFLIGHT_OUTBOX_MB allows", shed)
            self.forget()

    def _weigh(self) -> None:
        while batch := self._batch(self._count):
            self._count += len(batch)
            self._bytes += sum(weight.size for weight in batch)

    def _batch(self, place: int) -> list[Weight]:
        """Return the weights from a place on; none at the end, or when another recorder sees to it."""
        batch = self._runs.weigh(place, self._holder, LEASE_MS)
        if batch is None:
            self.forget()
        return batch or []

    def _shed(self, excess: int, report_of: Callable[[RunState], PreFlightReport]) -> int:
        """Shed at least `excess` bytes, in batches; return how many reports that were."""
        shed = 0
        for light in (True, False):
            place = 0
            while excess > 0 and shed < MOST_AT_ONCE and (batch := self._batch(place)):
                chosen = _oldest([weight for weight in batch if weight.light == light], excess)
                if chosen:
                    self._let_go([weight.run_id for weight in chosen], report_of)
                shed += len(chosen)
                excess -= sum(weight.size for weight in chosen)
                place += len(batch) - len(chosen)
        return shed

    def _let_go(self, run_ids: list[str], report_of: Callable[[RunState], PreFlightReport]) -> None:
        """Log, then forget: whoever is killed in between leaves a report that is logged twice, and not never."""
        for state in self.states(run_ids):
            keeping.log(report_of(state), "more reports wait than PREFLIGHT_OUTBOX_MB allows")
        self._runs.drop(run_ids, "shed", KEEP_MS)


def _oldest(weights: Sequence[Weight], excess: int) -> list[Weight]:
    """Return the first weights that together are `excess` bytes, or all."""
    chosen: list[Weight] = []
    for weight in weights:
        if excess <= 0:
            break
        chosen.append(weight)
        excess -= weight.size
    return chosen
