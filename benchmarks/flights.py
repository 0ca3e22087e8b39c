"""How many executions it costs when many runs ask the same check at once: its answer is kept, and nobody has it yet."""

from __future__ import annotations

import uuid

from benchmarks.arms import Preflight
from benchmarks.checks import SLOW_SECONDS, executions_key
from benchmarks.effort import Effort
from benchmarks.rounds import Measurement, interleave
from benchmarks.shapes import FLIGHT, SHAPES


def measure(preflight: Preflight, effort: Effort) -> Measurement:
    """Count executions, as the check itself does, for each of several cold cache keys."""
    title = (
        f"executions for {effort.flight_runs} simultaneous light runs of one cold check of {1000 * SLOW_SECONDS:g} ms"
    )
    samples = interleave({preflight.name: lambda: [_executions(preflight, effort.flight_runs)]}, effort.flights)
    return Measurement(title=title, unit="executions", samples=samples)


def _executions(preflight: Preflight, count: int) -> float:
    """Open the runs, with a parameter nobody has used before; return how often the check ran for them."""
    token, (name,) = uuid.uuid4().hex, SHAPES[FLIGHT][0]
    runner, params = preflight.runners[FLIGHT], {name: {"token": token}}
    preflight.wait([runner.run(mode="light", event_type=FLIGHT, params=params).id for _ in range(count)])
    preflight.settle()
    return float(str(preflight.client.get(executions_key(token)) or "nan"))
