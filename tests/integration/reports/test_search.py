"""Every filter finds what it names, in pages, newest first, whichever way leads there."""

from __future__ import annotations

import datetime as dt
import itertools
import random
from uuid import UUID

import pytest
from conftest import TEMPLATE
from integration.reports.samples import line, now, report

from preflight.reports.store import ReportFilter, ReportStore
from preflight.types import Status

CAMPAIGNS = (UUID("018f4c1e-0000-7000-8000-000000000001"), UUID("018f4c1e-0000-7000-8000-000000000002"))
CHECKS = ("redis", "vtt", "'; DROP TABLE preflight_reports; --", "é\N{PILE OF POO}")
#: One value of each field, or none.
FIELDS = {
    "success": (None, True, False),
    "event_type": (None, "dice_roll"),
    "mode": (None, "light"),
    "campaign_id": (None, CAMPAIGNS[0]),
    "check": (None, "vtt"),
    "check_status": (None, Status.FAILED),
}


def made(dice: random.Random, place: int):
    """Return a report of some kind, of some time in the last two days."""
    names = dice.sample(CHECKS, dice.randint(1, 3))
    lines = [line(dice.choice(("passed", "failed", "error", "skipped", "warning")), name) for name in names]
    return report(
        *lines,
        at=now() - dt.timedelta(minutes=place * 7),
        event_type=dice.choice(("poll_launch", "dice_roll")),
        mode=dice.choice(("full", "light")),
        campaign_id=dice.choice((None, *CAMPAIGNS)),
    )


def matches(wanted: ReportFilter, found) -> bool:
    """Say by hand whether a report is meant."""
    for name in ("success", "event_type", "mode", "campaign_id"):
        if getattr(wanted, name) not in (None, getattr(found, name)):
            return False
    if wanted.check is not None:
        statuses = [check.status for check in found.checks if check.name == wanted.check]
        if not statuses or wanted.check_status not in (None, *statuses):
            return False
    since, until = wanted.since or found.created_at, wanted.until or found.created_at + dt.timedelta(days=1)
    return since <= found.created_at < until


@pytest.fixture(scope="module")
def store(shared_postgresql):
    """Open a store on a database of this module's tests."""
    opened = ReportStore(shared_postgresql.create_database("search", TEMPLATE))
    yield opened
    opened.dispose()
    shared_postgresql.drop_database("search")


@pytest.fixture(scope="module")
def stored(store):
    """Return 300 reports of all kinds, newest first. Tests of this module store no others."""
    dice = random.Random(5)
    reports = [made(dice, place) for place in range(300)]
    store.save(reports)
    return reports


def test_every_combination_of_filters_finds_what_it_names(store, stored):
    """All of them, compared with a look at each report."""
    for values in itertools.product(*FIELDS.values()):
        wanted = ReportFilter(**dict(zip(FIELDS, values, strict=True)))
        if wanted.check is None and wanted.check_status is not None:
            continue
        expected = [found.id for found in stored if matches(wanted, found)]
        assert [found.id for found in store.page(wanted, limit=1000)] == expected, wanted


@pytest.mark.parametrize(
    "wanted",
    [
        ReportFilter(),
        ReportFilter(event_type="dice_roll"),
        ReportFilter(success=False),
        ReportFilter(success=True, mode="light"),
        ReportFilter(check="redis", check_status=Status.ERROR),
        ReportFilter(campaign_id=CAMPAIGNS[1], check="vtt"),
        ReportFilter(check="redis", since=now() - dt.timedelta(hours=30), until=now() - dt.timedelta(hours=3)),
        ReportFilter(since=now() - dt.timedelta(hours=30), until=now() - dt.timedelta(hours=3)),
    ],
)
def test_pages_have_no_gap_and_no_repetition(store, stored, wanted):
    """`before` the last id of a page is the next page."""
    pages, before = [], None
    while page := store.page(wanted, limit=7, before=before):
        pages += page
        before = page[-1].id

    assert [found.id for found in pages] == [found.id for found in stored if matches(wanted, found)]


@pytest.mark.parametrize("check", [*CHECKS, "nobody", "", "%", "x" * 500])
def test_a_name_is_only_a_name(store, stored, check):
    """Quotes, marks of patterns and names that nothing has find what has that name."""
    wanted = ReportFilter(check=check)

    assert [found.id for found in store.page(wanted, limit=1000)] == [
        found.id for found in stored if matches(wanted, found)
    ]


def test_a_time_without_zone_is_utc(store, stored):
    """As dates on a command line are."""
    since = now() - dt.timedelta(hours=5)

    assert store.page(ReportFilter(since=since.replace(tzinfo=None))) == store.page(ReportFilter(since=since))
    assert store.page(ReportFilter(since=dt.datetime(1, 1, 1, tzinfo=dt.UTC)), limit=1000) == stored
    assert store.page(ReportFilter(until=dt.datetime(9999, 1, 1, tzinfo=dt.UTC), mode="full"), limit=2)


def test_the_next_run_of_the_same_kind_is_found_from_each(store, stored):
    """Forwards as backwards, however many runs of other kinds lie between; the newest has none."""
    for event_type, mode in itertools.product(("poll_launch", "dice_roll"), ("full", "light")):
        kind = [one for one in stored if (one.event_type, one.mode) == (event_type, mode)]
        assert [store.following(one) for one in kind] == [None, *kind[:-1]]
