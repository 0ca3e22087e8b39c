"""Reports that Redis does not know, kept by a real process that ends right afterwards."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg2
import pytest
from receivers import Receiver

from preflight.embedded.server import free_port

APP = Path(__file__).with_name("keeping_app.py")
BATCHES = "SELECT count(*) FROM preflight_reports GROUP BY xmin"


@contextlib.contextmanager
def keeping(count, database_url):
    """Start a process that keeps reports; yield it and their ids as soon as it has kept them all."""
    environment = os.environ | {"PREFLIGHT_DATABASE_URL": database_url}
    command, pipe = [sys.executable, str(APP), str(count)], subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        yield process, [line.strip() for line in iter(process.stdout.readline, "kept\n")]


@pytest.fixture
def database(database_url):
    """Yield a connection to the test's database."""
    with contextlib.closing(psycopg2.connect(database_url)) as connection:
        yield connection


def asked(database, statement):
    """Return the first column of what a statement finds."""
    with database.cursor() as cursor:
        cursor.execute(statement)
        found = [row[0] for row in cursor.fetchall()] if cursor.description else []
    database.commit()
    return found


def test_an_ending_process_stores_all_that_it_kept(database, database_url):
    """Kept and ended at once: the exit waits until every report is in the database."""
    with keeping(300, database_url) as (process, ids):
        _, said = process.communicate(timeout=60)

    assert len(ids) == 300
    assert sorted(asked(database, "SELECT id::text FROM preflight_reports")) == sorted(ids)
    assert said == ""


def test_what_waits_is_stored_in_batches(database, database_url):
    """While the table is locked 450 reports gather: one transaction for the first, then at most 200 at a time."""
    with database.cursor() as cursor:
        cursor.execute("LOCK TABLE preflight_reports")
    with keeping(450, database_url) as (process, ids):
        database.commit()
        process.communicate(timeout=60)
    batches = asked(database, BATCHES)

    assert sum(batches) == len(ids) == 450
    assert max(batches) <= 200
    assert len(batches) <= 4


def test_what_cannot_be_stored_is_a_line_each(leaves_nothing):
    """The database is away: every report is one line of JSON on stderr, whole, with the reason."""
    nowhere = f"postgresql://preflight:hunter2@127.0.0.1:{free_port()}/preflight"
    with keeping(50, nowhere) as (process, ids):
        _, said = process.communicate(timeout=60)
    lines = [json.loads(line) for line in said.splitlines()]

    assert [line["report"]["id"] for line in lines] == ids
    assert {(line["event"], line["stored"]) for line in lines} == {("preflight.report", False)}
    assert all("refuses the connection" in line["reason"] for line in lines)
    assert "hunter2" not in said


def test_what_takes_too_long_at_the_end_is_a_line_each(database, database_url):
    """The table stays locked: the process ends all the same and tells each report, those under way included."""
    with database.cursor() as cursor:
        cursor.execute("LOCK TABLE preflight_reports")
    with keeping(450, database_url) as (process, ids):
        _, said = process.communicate(timeout=60)
    told = [json.loads(line)["report"]["id"] for line in said.splitlines()]
    database.rollback()

    assert told == ids


@pytest.mark.parametrize("stored", [True, False])
def test_sentry_is_told_by_the_caller(database_url, monkeypatch, leaves_nothing, stored):
    """Redis was away, so no worker knows of these runs; each is told once before the process ends, stored or not."""
    with contextlib.closing(Receiver()) as receiver:
        monkeypatch.setenv("PREFLIGHT_SENTRY_DSN", receiver.dsn)
        with keeping(5, database_url if stored else "") as (process, ids):
            process.communicate(timeout=60)
        events = receiver.of("event")

    assert sorted(event["tags"]["run_id"] for event in events) == sorted(ids)
    assert {event["tags"]["part"] for event in events} == {"caller"}
