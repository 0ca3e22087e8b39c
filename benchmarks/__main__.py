"""`python -m benchmarks [--quick]`: measure, print the tables, and write them beside this file."""

from __future__ import annotations

import contextlib
import logging
import tempfile
import time
from pathlib import Path

import click

from benchmarks import figures, machine, measures, results


@click.command()
@click.option("--quick", is_flag=True, help="Few rounds, under a minute; writes nothing.")
def main(*, quick: bool) -> None:
    """Measure PreFlight, native Celery chords and Redis itself, in interleaved rounds."""
    started_at = time.monotonic()
    logging.getLogger("preflight").addHandler(
        logging.NullHandler()
    )  # runs meant for a silent Redis are lost on purpose
    with tempfile.TemporaryDirectory() as home, machine.running(Path(home)) as found:
        bench = measures.Bench(found, measures.QUICK if quick else measures.Effort())
        with contextlib.closing(bench):
            measured = bench.measure()
        versions = results.versions(found)
    said = figures.figures(measured)
    made = results.as_json(said, measured, bench.arms, versions)
    markdown = results.as_markdown(made, said)
    click.echo(markdown)
    click.echo(f"Took {time.monotonic() - started_at:.0f} s.")
    if not quick:
        results.write(made, markdown)


if __name__ == "__main__":
    main()
