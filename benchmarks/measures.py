"""The measurements: what is timed, how often, and for which arms."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable

from benchmarks import control, crowd, curves, flights, usage
from benchmarks.arms import Arm, Hops, LightArm, NativeChord, Preflight, Threads, WarmCache
from benchmarks.effort import Effort
from benchmarks.machine import Machine, paused
from benchmarks.rounds import Measurement, Slice, interleave, milliseconds, timed
from benchmarks.shapes import DEEP, NARROW, SEVEN, SHALLOW, WIDE
from preflight.runner import PreFlightRunner
from preflight.settings import load

_PACE_SECONDS = 0.001
_FLUSH_SECONDS = 30.0


class Bench:
    """All measurements of one run, against one machine."""

    def __init__(self, machine: Machine, effort: Effort) -> None:
        self.machine = machine
        self.effort = effort
        self.preflight = Preflight(machine)
        self.threads = Threads(machine)
        self.warm = WarmCache(machine)
        self.natives = [NativeChord(machine, acknowledge=on) for on in (False, True)]
        self.hops = [Hops(machine, 6), Hops(machine, 12)]

    @property
    def arms(self) -> list[Arm]:
        """Every arm, in the order of the tables."""
        return [*self.full_arms, self.warm]

    @property
    def full_arms(self) -> list[Arm]:
        """The arms that do full runs."""
        return [*self.natives, *self.hops, self.preflight, self.threads]

    @property
    def light_arms(self) -> list[LightArm]:
        """The arms that do runs of every shape, and can open them without waiting."""
        return [*self.natives, self.preflight]

    @property
    def pair(self) -> list[LightArm]:
        """PreFlight and the native arm at its lightest, where acknowledgements are not the question."""
        return [self.natives[0], self.preflight]

    def close(self) -> None:
        """Let go of the servers."""
        for native in self.natives:
            native.close()

    def measure(self) -> dict[str, Measurement]:
        """Take every measurement, by its name."""
        for arm in (*self.light_arms, self.threads, self.warm):  # workers fork, connect and import at first
            timed(functools.partial(arm.full, SEVEN), 20)()
        machine, effort = self.machine, self.effort
        return {
            "full": self.full(),
            "light": self.light(),
            **{shape: self.shape(shape, title) for shape, title in SHAPE_TITLES.items()},
            **curves.measure(self.pair, effort),
            "call": self.calls(),
            "control": control.measure(machine, self.preflight, effort),
            "flight": flights.measure(self.preflight, effort),
            **crowd.measure(machine, effort),
            **usage.measure(machine, self.pair, effort),
        }

    def full(self) -> Measurement:
        """Time full runs."""
        slices = {arm.name: timed(functools.partial(arm.full, SEVEN), self.effort.full_runs) for arm in self.full_arms}
        title = "one full run, 7 checks in 5 tiers"
        return Measurement(title=title, unit="ms", samples=interleave(slices, self.effort.rounds))

    def shape(self, shape: str, title: str) -> Measurement:
        """Time full runs of another shape."""
        count = self.effort.shape_runs
        slices = {arm.name: timed(functools.partial(arm.full, shape), count) for arm in self.light_arms}
        return Measurement(title=title, unit="ms", samples=interleave(slices, self.effort.shape_rounds))

    def light(self) -> Measurement:
        """Time batches of light runs from the first call to the last verdict."""
        count, warm_count = self.effort.light_runs, self.effort.warm_runs
        slices = {arm.name: self._batch(arm, count) for arm in (*self.light_arms, self.threads)}
        slices[self.warm.name] = self._batch(self.warm, warm_count)
        title = f"light runs per second, batches of {count} (warm cache: {warm_count}), 7 checks in 5 tiers"
        return Measurement(title=title, unit="runs/s", samples=interleave(slices, self.effort.light_rounds))

    @staticmethod
    def _batch(arm: LightArm, count: int) -> Slice:
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
