"""What it takes to forget a day of reports that nobody has looked at for a month: it is on the disk only."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg2

from benchmarks import history
from benchmarks.rounds import Samples, milliseconds
from preflight.embedded.postgresql import Postgresql
from preflight.reports.instants import DAY_SECONDS, first_id, floor
from preflight.reports.store import ReportStore

_PURGES = 5
#: A day that no purge of these takes.
_DELETED = 10


def purge(server: Postgresql, stores: Sequence[ReportStore], many: str) -> tuple[dict[str, Samples], float]:
    """Return what it takes to purge one day after another, and in ms what the DELETE of a day takes."""
    _forget_pages(server)
    taken: dict[str, list[tuple[float, ...]]] = {"few": [], "many": []}
    for place in range(_PURGES):
        for arm, store in zip(taken, stores, strict=True):
            taken[arm].append((milliseconds(lambda store=store, place=place: _purge_day(store, place)),))
    return {arm: Samples(tuple(rounds)) for arm, rounds in taken.items()}, milliseconds(_delete_day(server, many))


def _purge_day(store: ReportStore, place: int) -> None:
    purged = store.purge(history.DAYS - 1 - place)
    if len(purged.partitions) != (2 if place == 0 else 1):
        raise RuntimeError(f"{len(purged.partitions)} partitions were purged: the figure would be about another thing")


def _delete_day(server: Postgresql, database: str) -> Callable[[], None]:
    """Return a DELETE of what a purge forgets: a day of reports, and of the rows that lead to them."""
    begin, end = (floor(datetime.now(UTC), DAY_SECONDS) - timedelta(days=days) for days in (_DELETED + 1, _DELETED))
    reports = f"DELETE FROM preflight_reports WHERE id >= '{first_id(begin)}' AND id < '{first_id(end)}'"
    slots = f"WHERE at >= '{begin.isoformat()}' AND at < '{end.isoformat()}'"
    others = f"DELETE FROM preflight_run_slots {slots}; DELETE FROM preflight_check_slots {slots}"
    return lambda: _execute(server, database, f"{reports}; {others}")


def _forget_pages(server: Postgresql) -> None:
    """Have the system keep none of the server's files in memory: a page there costs, when its file goes."""
    _execute(server, "postgres", "CHECKPOINT")
    os.sync()
    for path in server.data.rglob("*"):
        # The server goes on: a file may be gone by now.
        with contextlib.suppress(FileNotFoundError, IsADirectoryError), path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _execute(server: Postgresql, database: str, statement: str) -> None:
    with contextlib.closing(psycopg2.connect(server.database_url(database))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)


def disk(place: Path) -> str:
    """Return the file system of a place and its options: giving files back is its work."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    around = [mount for mount in mounts if place.resolve().is_relative_to(mount[1])]
    _, _, kind, options, *_ = max(around, key=lambda mount: len(mount[1]))
    # Some options are places on the machine, which the results do not name.
    return f"{kind} ({', '.join(option for option in options.split(',') if '/' not in option)})"
