"""A few of the battery's scenarios for a few seconds each, and the oracle that judges them."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
import sqlalchemy as sa
from faults.battery import control, lines, results
from faults.battery.oracle import Oracle
from faults.battery.scenarios import SCENARIOS, live_through
from faults.battery.servers_under_fault import Servers, running

from preflight.reports.models import reports

SEED = 7
#: The share of the whole battery's faults.
EFFORT = 0.12
FAST = (
    ("a worker's main process killed", "prefork"),
    ("a pool's process dies", "prefork"),
    ("every message doubled", "threads"),
    ("Redis restarted", "prefork"),
    ("connections to Redis reset", "threads"),
)


@pytest.fixture(scope="module")
def battery(tmp_path_factory) -> Iterator[Servers]:
    """Yield servers that may be broken."""
    with running(tmp_path_factory.mktemp("battery")) as servers:
        yield servers


def scenario(name):
    """Return a scenario of the table."""
    return next(found for found in SCENARIOS if found.name == name)


@pytest.mark.parametrize(("name", "pool"), FAST)
def test_what_was_promised_holds(battery, tmp_path, name, pool):
    """With over fifty runs in flight the fault hits, and nothing is lost, doubled, wrong, late or left behind."""
    outcome = live_through(battery, tmp_path / "world", scenario(name), pool, seed=SEED, effort=EFFORT)

    assert not outcome.found.problems, results.line(outcome)
    assert outcome.told.hits > 0
    assert min(outcome.told.in_flight) >= 50
    assert outcome.found.go > 0


def tampered(world):
    """Do to a finished world what the engine must never do, and return its oracle."""
    first, second, third, *_ = [run_id for run_id, report in Oracle(world).stored.items() if report.success]
    with world.trial.store._engine.begin() as connection:
        connection.execute(sa.delete(reports).where(reports.c.id == UUID(first)))
    kept = [line for line in world.truth.read_text().splitlines(keepends=True) if second not in line]
    world.truth.write_text("".join(kept))
    told = {"token": "x", "id": third, "go": False, "broker": "", "at": 0, "ms": 1}
    lines.append(world.notes, note="end", waited_ms=9e6, **told)
    recorded = f'run="{third}" event="battery" mode="full"\n'
    (world.folder / "forged.log").write_text(f"the secret is {world.canary}\n" + 2 * recorded)
    world.observer.client.set(f"{world.trial.namespace}:forgotten", 1)
    return Oracle(world)


def test_the_oracle_sees_what_is_wrong(battery, tmp_path):
    """A lost report, an invented GO, a caller told otherwise and late, a double, a secret, a key: each is named."""
    quiet = scenario("checks answer garbage")
    outcome = live_through(battery, tmp_path / "world", quiet, "prefork", seed=SEED, effort=EFFORT, oracle=tampered)

    found = outcome.found
    assert (found.lost, found.double) == (1, 1)
    assert found.wrong_go == 1
    for words in (
        "accepted runs without a report",
        "GO although the checks did not say so",
        "statuses that no check gave",
        "told something else than what is stored",
        "waited too long",
        "recorded twice",
        "with a secret",
        "keys without a time to live",
    ):
        assert any(words in problem for problem in found.problems), (words, found.problems)


def test_plain_chords_turn_red(battery, tmp_path):
    """The same kills against plain Celery chords leave runs without a verdict: the battery can see a loss."""
    found = control.run(battery, tmp_path / "control", runs=30, kills=2, patience=8.0)

    assert found.hits == 2
    assert found.red
