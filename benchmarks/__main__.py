"""`python -m benchmarks [--quick | --memory | --reports | --watchers]`: measure, print tables, and write them here."""

from __future__ import annotations

import contextlib
import logging
import tempfile
import time
from pathlib import Path
from typing import Any

import click

from benchmarks import arms, effort, figures, machine, measures, reports, results, tables, usage, watchers


@click.command()
@click.option("--quick", is_flag=True, help="Few rounds, a good minute; writes nothing.")
@click.option("--memory", is_flag=True, help="Only a worker's memory before and after 50,000 light runs.")
@click.option("--reports", "history", is_flag=True, help="Only what 5,000,000 reports cost, ten to twenty minutes.")
@click.option(
    "--watchers",
    "watched",
    is_flag=True,
    help="Only what Sentry, Prometheus, logs and Flower cost, two to eight minutes.",
)
def main(*, quick: bool, memory: bool, history: bool, watched: bool) -> None:
    """Measure PreFlight, native Celery chords and Redis itself, in interleaved rounds."""
    started_at = time.monotonic()
    if (memory or history or watched) and "meanings" not in results.written():
        raise click.ClickException("There are no results to add to: run `python -m benchmarks` first.")
    how_much = effort.QUICK if quick else effort.Effort()
    # Runs meant for a silent Redis are lost on purpose.
    logging.getLogger("preflight").addHandler(logging.NullHandler())
    with tempfile.TemporaryDirectory() as home, machine.running(Path(home)) as found:
        if memory:
            made = _memory(found)
        elif history:
            made = results.with_figures(results.written(), reports.figures(found, Path(home), how_much))
        elif watched:
            made = results.with_figures(results.written(), watchers.figures(found, Path(home), how_much))
        else:
            made = _all(found, how_much)
    click.echo(tables.as_markdown(made))
    click.echo(f"Took {time.monotonic() - started_at:.0f} s.")
    if not quick:
        results.write(made)


def _all(found: machine.Machine, how_much: effort.Effort) -> dict[str, Any]:
    """Return everything but the memory, the reports and the watchers, which stay as they were measured last."""
    with contextlib.closing(measures.Bench(found, how_much)) as bench:
        measured = bench.measure()
        made = results.as_json(figures.figures(measured), measured, bench.arms, results.versions(found))
    return results.with_figures(
        made, figures.kept(results.written(), (*figures.MEMORY, *reports.MEANINGS, *watchers.MEANINGS))
    )


def _memory(found: machine.Machine) -> dict[str, Any]:
    """Return the results that were written last, with the memory as it is now."""
    return results.with_figures(results.written(), figures.memory(*usage.memory(found, arms.Preflight(found))))


if __name__ == "__main__":
    main()
