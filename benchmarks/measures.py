"""The measurements: what is timed, how often, and for which arms."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable, Sequence

from benchmarks.arms import Arm, Hops, LightArm, NativeChord, Preflight
from benchmarks.machine import Machine, paused
from benchmarks.rounds import Samples, Slice, interleave, milliseconds, timed
from benchmarks.shapes import DEEP, NARROW, SEVEN, SHALLOW, WIDE
from preflight.runner import PreFlightRunner
from preflight.settings import load

_PACE_SECONDS = 0.001
_FLUSH_SECONDS = 30.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is measured: rounds, and what each arm does per round."""

    rounds: int = 20
    full_runs: int = 10
    light_rounds: int = 8
    light_runs: int = 150
    calls: int = 150
    shape_rounds: int = 8
    shape_runs: int = 3


QUICK = Effort(rounds=5, full_runs=5, light_rounds=2, light_runs=40, calls=60, shape_rounds=2, shape_runs=2)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measurement:
    """What one measurement found: samples by arm. `unit` says what they are."""

    title: str
    unit: str
    samples: dict[str, Samples]


class Bench:
    """All measurements of one run, against one machine."""

    def __init__(self, machine: Machine, effort: Effort) -> None:
        self.machine = machine
        self.effort = effort
        self.preflight = Preflight(machine)
        self.natives = [NativeChord(machine, acknowledge=on) for on in (False, True)]
        self.hops = [Hops(machine, 6), Hops(machine, 12)]

    @property
    def arms(self) -> list[Arm]:
        """Every arm, in the order of the tables."""
        return [*self.natives, *self.hops, self.preflight]

    @property
    def light_arms(self) -> list[LightArm]:
        """The arms that can open a run without waiting."""
        return [*self.natives, self.preflight]

    def close(self) -> None:
        """Let go of the servers."""
        for native in self.natives:
            native.close()

    def measure(self) -> dict[str, Measurement]:
        """Take every measurement, by its name."""
        for arm in self.light_arms:  # workers fork, connect and import at their first runs
            timed(functools.partial(arm.full, SEVEN), 20)()
        return {
            "full": self.full(SEVEN, "one full run, 7 checks in 5 tiers", self.arms),
            "light": self.light(),
            **{shape: self.shape(shape, title) for shape, title in SHAPE_TITLES.items()},
            "call": self.calls(),
        }

    def full(self, shape: str, title: str, arms: Sequence[Arm]) -> Measurement:
        """Time full runs."""
        slices = {arm.name: timed(functools.partial(arm.full, shape), self.effort.full_runs) for arm in arms}
        return Measurement(title=title, unit="ms", samples=interleave(slices, self.effort.rounds))

    def shape(self, shape: str, title: str) -> Measurement:
        """Time full runs of another shape."""
        count = self.effort.shape_runs
        slices = {arm.name: timed(functools.partial(arm.full, shape), count) for arm in self.light_arms}
        return Measurement(title=title, unit="ms", samples=interleave(slices, self.effort.shape_rounds))

    def light(self) -> Measurement:
        """Time batches of light runs from the first call to the last verdict."""
        slices = {arm.name: self._batch(arm) for arm in self.light_arms}
        title = f"light runs per second, batches of {self.effort.light_runs}, 7 checks in 5 tiers"
        return Measurement(title=title, unit="runs/s", samples=interleave(slices, self.effort.light_rounds))

    def _batch(self, arm: LightArm) -> Slice:
        count = self.effort.light_runs

        def take() -> list[float]:
            arm.settle()
            taken = milliseconds(lambda: arm.light(SEVEN, count))
            arm.settle()
            return [1000 * count / taken]

        return take

    def calls(self) -> Measurement:
        """Time what a light run costs its caller: with a healthy Redis, and with one that swallows everything."""
        healthy = self.preflight.runners[SEVEN]
        silent = PreFlightRunner(load({"redis_url": self.machine.silent.url}), healthy.registry)
        silent.run(mode="light", event_type=SEVEN)
        silent.flush(_FLUSH_SECONDS)
        slices = {
            "send_task": self._paced(self.natives[0].send_task),
            "light call, healthy": self._paced(self._light_call(healthy), healthy),
        }
        samples = interleave(slices, self.effort.light_rounds)
        with paused(self.machine.silent):
            samples |= interleave(
                {"light call, silent": self._paced(self._light_call(silent))}, self.effort.light_rounds
            )
        silent.flush(_FLUSH_SECONDS)
        return Measurement(title="what one call costs its caller", unit="ms", samples=samples)

    @staticmethod
    def _light_call(runner: PreFlightRunner) -> Callable[[], object]:
        return lambda: runner.run(mode="light", event_type=SEVEN)

    def _paced(self, call: Callable[[], object], runner: PreFlightRunner | None = None) -> Slice:
        """Return a slice of calls a millisecond apart, as a busy application makes them."""

        def take() -> list[float]:
            found = []
            for _ in range(self.effort.calls):
                found.append(milliseconds(call))
                time.sleep(_PACE_SECONDS)
            if runner:
                runner.flush(_FLUSH_SECONDS)
            self.preflight.settle()
            return found

        return take


SHAPE_TITLES = {
    NARROW: "10 checks in one tier",
    WIDE: "100 checks in one tier",
    SHALLOW: "1 tier of one check",
    DEEP: "10 tiers of one check",
}
