"""`python -m benchmarks [--quick | --memory]`: measure, print the tables, and write them beside this file."""

from __future__ import annotations

import contextlib
import logging
import tempfile
import time
from pathlib import Path
from typing import Any

import click

from benchmarks import arms, effort, figures, machine, measures, results, tables, usage


@click.command()
@click.option("--quick", is_flag=True, help="Few rounds, a good minute; writes nothing.")
@click.option("--memory", is_flag=True, help="Only a worker's memory before and after 50,000 light runs.")
def main(*, quick: bool, memory: bool) -> None:
    """Measure PreFlight, native Celery chords and Redis itself, in interleaved rounds."""
    started_at = time.monotonic()
    if memory and "meanings" not in results.written():
        raise click.ClickException("There are no results to add the memory to: run `python -m benchmarks` first.")
    # Runs meant for a silent Redis are lost on purpose.
    logging.getLogger("preflight").addHandler(logging.NullHandler())
    with tempfile.TemporaryDirectory() as home, machine.running(Path(home)) as found:
        made = _memory(found) if memory else _all(found, effort.QUICK if quick else effort.Effort())
    click.echo(tables.as_markdown(made))
    click.echo(f"Took {time.monotonic() - started_at:.0f} s.")
    if not quick:
        results.write(made)


def _all(found: machine.Machine, how_much: effort.Effort) -> dict[str, Any]:
    """Return everything but the memory, which stays as it was measured last."""
    with contextlib.closing(measures.Bench(found, how_much)) as bench:
        measured = bench.measure()
        made = results.as_json(figures.figures(measured), measured, bench.arms, results.versions(found))
    return results.with_figures(made, figures.memory_kept(results.written()))


def _memory(found: machine.Machine) -> dict[str, Any]:
    """Return the results that were written last, with the memory as it is now."""
    return results.with_figures(results.written(), figures.memory(*usage.memory(found, arms.Preflight(found))))


if __name__ == "__main__":
    main()
