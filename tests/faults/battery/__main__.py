"""`python -m faults.battery [--seed N] [--only WORDS]`: live every scenario through and write what was seen."""

from __future__ import annotations

import logging
import random
import secrets
import sys
import tempfile
import time
import traceback
from pathlib import Path

import click
from faults.battery import control, results
from faults.battery.scenarios import SCENARIOS, Outcome, Scenario, live_through
from faults.battery.servers_under_fault import Servers, running


@click.command()
@click.option("--seed", type=int, help="Repeat the faults of this seed; a new one otherwise.")
@click.option("--only", multiple=True, help="Only scenarios whose name holds these words; writes nothing.")
@click.option("--pool", type=click.Choice(["prefork", "threads"]), help="Only this pool; writes nothing.")
@click.option(
    "--effort", type=float, default=0.6, help="How often faults are injected; at 1 it takes a quarter of an hour."
)
@click.option("--keep", type=click.Path(path_type=Path), help="Where logs, notes and answers stay.")
def main(*, seed: int | None, only: tuple[str, ...], pool: str | None, effort: float, keep: Path | None) -> None:
    """Break everything, look whether the promises hold, and write benchmarks/FAULTS.md and faults.json."""
    began, seed = time.monotonic(), seed if seed is not None else secrets.randbelow(10**6)
    for name in ("preflight", "preflight.reports"):
        logging.getLogger(name).addHandler(logging.NullHandler())
    click.echo(f"seed {seed}")
    chosen = [scenario for scenario in SCENARIOS if not only or any(words in scenario.name for words in only)]
    with tempfile.TemporaryDirectory() as home, running(Path(home)) as servers:
        place = keep or Path(home) / "scenarios"
        outcomes = _live(servers, place, chosen, pool, seed=seed, effort=effort)
        whole = not (only or pool)
        controlled = _control(servers, place) if whole or "control" in only else []
        versions = results.versions(servers)
    for arm in controlled:
        click.echo(str(arm))
    if whole and controlled:
        results.write(outcomes, controlled, seed, versions)
    click.echo(f"took {time.monotonic() - began:.0f} s, seed {seed}")
    sys.exit(any(outcome.red for outcome in outcomes) or (bool(controlled) and not controlled[0].red))


def _control(servers: Servers, place: Path) -> list[control.Control]:
    """Return what became of chords as installed, then of careful ones."""
    return [control.run(servers, place / f"control-{careful}", careful=careful) for careful in (False, True)]


def _live(
    servers: Servers, place: Path, chosen: list[Scenario], pool: str | None, *, seed: int, effort: float
) -> list[Outcome]:
    rows = [(scenario, each) for scenario in chosen for each in scenario.pools if pool in {None, each}]
    shuffled, outcomes = random.Random(seed).sample(rows, len(rows)), list[Outcome]()
    for scenario, each in shuffled:
        folder = place / f"{len(outcomes):02}-{scenario.number}-{each}"
        outcomes.append(live_through(servers, folder, scenario, each, seed=seed, effort=effort))
        click.echo(results.line(outcomes[-1]))
    return sorted(outcomes, key=lambda outcome: rows.index((outcome.scenario, outcome.pool)))


if __name__ == "__main__":
    try:
        main()
    except Exception:
        traceback.print_exc()
        raise
