"""`preflight reports` and `preflight report` against a real database."""

from __future__ import annotations

import csv
import io
import json
import signal
import uuid
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from preflight.cli.commands import preflight as command
from preflight.embedded.process import wait_until
from preflight.engine.caller import new_run_id
from preflight.reports.store import ReportStore
from preflight.types import CheckReport, PreFlightReport, Status

SECONDS = 30


def made(event, status):
    """Return a report of one check."""
    check = CheckReport(name="redis", priority=0, status=Status(status), message=f"it {status}")
    return PreFlightReport(
        id=new_run_id(), mode="full", event_type=event, checks=(check,), created_at=datetime.now(UTC), duration_ms=3
    )


@pytest.fixture
def store(database_url):
    """Yield the store of the test's own database."""
    opened = ReportStore(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def stored(store):
    """Return three reports, oldest first: a GO, a NO-GO, a GO of another event type."""
    reports = [made("poll_launch", "passed"), made("poll_launch", "failed"), made("dice_roll", "passed")]
    store.save(reports)
    return reports


@pytest.fixture
def ids(preflight, database_url):
    """Return the function that gives the ids which `preflight reports` lists."""

    def ids(*words):
        done = preflight("reports", *words, "--format", "json", PREFLIGHT_DATABASE_URL=database_url)
        assert done.returncode == 0
        return [uuid.UUID(report["id"]) for report in json.loads(done.stdout)]

    return ids


def test_reports_are_listed_newest_first_and_filtered(ids, stored):
    """Verdict, event type, check and number choose what is listed."""
    go, no_go, other = (report.id for report in stored)

    assert ids() == [other, no_go, go]
    assert ids("--failed") == [no_go]
    assert ids("--event", "dice_roll") == [other]
    assert ids("--check", "redis", "--limit", "1") == [other]
    assert ids("--check", "nobody") == []
    assert ids("--passed", "--mode", "full") == [other, go]
    assert ids("--check", "redis", "--status", "failed", "--since", "1h") == [no_go]
    assert ids("--campaign", str(uuid.UUID(int=1))) == []
    assert ids("--until", "2020-01-01T10:00+02:00") == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--failed", "--passed"), "--failed and --passed leave nothing"),
        (("--status", "failed"), "name it with --check"),
        (("--since", "yesterday"), "'yesterday' is no time: write an age as 90m, 24h or 7d"),
        (("--until", "2026-13-01"), "is no time"),
        (("--since", "999999d"), "is no time"),
        (("--since", "1h", "--until", "2h"), "--since must be before --until"),
        (("--campaign", "x"), "is not a valid UUID"),
        (("--mode", "Full"), "is not one of"),
        (("--event", "\udcff"), "'\\udcff' is no text in UTF-8"),
        (("--check", "a\udcff"), "'a\\udcff' is no text in UTF-8"),
        (("--limit", "1001"), "1001 is not in the range 1<=x<=1000"),
    ],
)
def test_filters_that_make_no_sense_are_one_line(words, said):
    """What is wrong and what is accepted, before anything is asked."""
    done = CliRunner().invoke(command, ["reports", *words])

    assert done.exit_code == 2
    assert said in " ".join(done.stderr.split())


def test_reports_come_as_lines_and_as_csv(preflight, database_url, stored):
    """A person and a spreadsheet both find every id."""
    human = preflight("reports", PREFLIGHT_DATABASE_URL=database_url)
    rows = preflight("reports", "--format", "csv", PREFLIGHT_DATABASE_URL=database_url)

    assert all(str(report.id) in human.stdout for report in stored)
    assert [row["verdict"] for row in csv.DictReader(io.StringIO(rows.stdout))] == ["GO", "NO-GO", "GO"]


def test_one_report_is_shown_as_the_run_showed_it(preflight, database_url, stored):
    """Human, JSON, JUnit and Markdown of a stored report; showing a NO-GO is no failure."""
    settings = {"PREFLIGHT_DATABASE_URL": database_url}
    human, as_json, junit, markdown = (
        preflight("report", stored[1].id, "--format", output, **settings)
        for output in ("human", "json", "junit", "markdown")
    )

    assert "✖ failed   redis   it failed" in human.stdout
    assert json.loads(as_json.stdout) == stored[1].to_json()
    assert 'failures="1"' in junit.stdout
    assert "| 0 | failed | `redis` | it failed |" in markdown.stdout
    assert {human.returncode, as_json.returncode, junit.returncode, markdown.returncode} == {0}


def test_an_unknown_report_ends_with_1_and_says_why_it_may_be_gone(preflight, database_url):
    """The line names the retention and the list of what there is."""
    done = preflight("report", uuid.UUID(int=1), PREFLIGHT_DATABASE_URL=database_url)

    assert done.returncode == 1
    assert done.stdout == ""
    assert "30 days" in done.stderr


def test_following_shows_new_reports_as_they_come_until_ctrl_c(start, store, stored, database_url, nowhere):
    """What is stored later appears, once; Ctrl-C ends it with 130 and one line."""
    settings = {"PREFLIGHT_DATABASE_URL": database_url, "PREFLIGHT_HOME": str(nowhere)}
    process = start("reports", "--follow", "--format", "json", settings=settings)
    first = [json.loads(process.stdout.readline())["id"] for _ in stored]
    late = made("poll_launch", "failed")
    store.save([late])
    following = json.loads(process.stdout.readline())["id"]
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()

    assert first == [str(report.id) for report in stored]
    assert following == str(late.id)
    assert (process.returncode, out, err) == (130, "", "preflight: interrupted.\n")


def test_following_shows_each_of_many_that_come_at_once(start, store, database_url, nowhere):
    """After an outage the recorder stores thousands between two looks."""
    settings = {"PREFLIGHT_DATABASE_URL": database_url, "PREFLIGHT_HOME": str(nowhere)}
    first, *many = (made("poll_launch", "passed") for _ in range(451))
    store.save([first])
    process = start("reports", "--follow", "--format", "json", settings=settings)
    shown = [process.stdout.readline()]
    store.save(many)
    shown += [process.stdout.readline() for _ in many]

    assert [json.loads(line)["id"] for line in shown] == [str(report.id) for report in (first, *many)]


def test_following_outlives_a_database_that_goes_away(start, private_postgresql, nowhere):
    """An outage is said once, and what was stored after it appears."""
    from preflight.reports import migrations

    migrations.upgrade(private_postgresql.url)
    settings = {"PREFLIGHT_DATABASE_URL": private_postgresql.url, "PREFLIGHT_HOME": str(nowhere)}
    store = ReportStore(private_postgresql.url)
    store.save([made("poll_launch", "passed")])
    process = start("reports", "--follow", "--format", "json", settings=settings)
    process.stdout.readline()
    private_postgresql.kill()
    said = process.stderr.readline()
    private_postgresql.start()
    late = made("poll_launch", "failed")
    assert wait_until(lambda: saved(store, late), SECONDS)

    assert said.endswith("Trying again.\n")
    assert json.loads(process.stdout.readline())["id"] == str(late.id)
    store.dispose()


def saved(store, report):
    """Say whether the report is stored now."""
    from preflight.exceptions import StoreUnavailable

    try:
        store.save([report])
    except StoreUnavailable:
        return False
    return True


def test_a_database_that_is_away_is_one_line_without_its_password(preflight):
    """The line names the place and what to do."""
    done = preflight("reports", PREFLIGHT_DATABASE_URL="postgresql://user:hunter2@127.0.0.1:1/x")

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "127.0.0.1:1/x" in done.stderr
    assert "hunter2" not in done.stderr
