"""How much is measured: rounds, and what each arm does per round."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class Effort:
    """The full effort. `calls` are per slice, `warm_runs` and `crowd_runs` are light and full runs per slice."""

    rounds: int = 20
    full_runs: int = 10
    light_rounds: int = 8
    light_runs: int = 150
    warm_runs: int = 2000
    calls: int = 150
    shape_rounds: int = 8
    shape_runs: int = 3
    growth_rounds: int = 4
    flights: int = 5
    flight_runs: int = 1000
    crowd_rounds: int = 4
    crowd_runs: int = 500
    control_rounds: int = 3
    control_calls: int = 1000
    usage_rounds: int = 4
    usage_full_runs: int = 50
    usage_light_runs: int = 100
    watch_rounds: int = 20
    watch_runs: int = 300
    recorded_runs: int = 1000
    few_reports: int = 50_000
    many_reports: int = 5_000_000


QUICK = Effort(
    rounds=5,
    full_runs=5,
    light_rounds=2,
    light_runs=40,
    warm_runs=500,
    calls=60,
    shape_rounds=2,
    shape_runs=2,
    growth_rounds=2,
    flights=3,
    crowd_rounds=1,
    control_rounds=2,
    control_calls=150,
    usage_rounds=2,
    usage_full_runs=20,
    usage_light_runs=30,
    watch_rounds=3,
    watch_runs=100,
    recorded_runs=50,
    few_reports=5000,
    many_reports=50_000,
)
