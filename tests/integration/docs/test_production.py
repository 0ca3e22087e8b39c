"""The page about production: its commands, in order, make a system in which everything is in order."""

from __future__ import annotations

import contextlib
import json
import secrets

import documents
import pytest
import servers
from documents import DOCS
from terminals import PATIENCE_SECONDS, Terminal

from preflight.embedded.process import wait_until

UPGRADE, RECOUNT, PROGRAMS, SECOND_BEAT = documents.blocks("sh", DOCS / "how-to" / "run-in-production.md")


@pytest.fixture
def host(tmp_path, shared_valkey, shared_postgresql):
    """Yield a terminal whose settings name a Redis, and a PostgreSQL without a schema."""
    name = f"t{secrets.token_hex(6)}"
    database = shared_postgresql.create_database(name)
    terminal = Terminal(
        tmp_path, PREFLIGHT_REDIS_URL=shared_valkey.url, PREFLIGHT_DATABASE_URL=database, PREFLIGHT_NAMESPACE=name
    )
    yield terminal
    servers.forget(shared_valkey.url, name)
    shared_postgresql.drop_database(name)


def findings(host):
    """Return what the doctor says, without what is in order."""
    said = json.loads(host.run("preflight doctor --format json || true").stdout)
    return [finding for finding in said["findings"] if finding["state"] != "ok"]


def test_the_documented_programs_are_all_that_a_system_needs(host):
    """After the migration and with the two workers and beat, the doctor finds nothing to say; a sweep is stored."""
    assert host.run(UPGRADE.text).returncode == 0
    with contextlib.ExitStack() as programs:
        for line in PROGRAMS.lines:
            # Beat says nothing while all is well: whether they are ready is for the doctor to say.
            programs.enter_context(host.running(line, lambda said: True))
        # A beat that hands over: its scheduler is of the extra.
        programs.enter_context(host.running(SECOND_BEAT.text.strip(), lambda said: True))
        wait_until(lambda: not findings(host), PATIENCE_SECONDS)
        assert findings(host) == []
        assert host.run(RECOUNT.text).stdout == "0 spans of five minutes counted anew.\n"
        run = host.run("preflight run health_sweep --strict")
        assert run.returncode == 0, run.stdout + run.stderr
