"""The store of reports, on a real PostgreSQL."""

from __future__ import annotations

import dataclasses
import json
import os
import threading
from uuid import UUID

import pytest
from integration.reports.samples import GO, NO_GO, line, new_id, report

from preflight.reports.store import ReportStore
from preflight.types import PreFlightReport

CAMPAIGN = UUID("00000000-0000-7000-8000-000000000001")


def test_a_report_comes_back_as_it_was_saved(store):
    """Every field survives the table."""
    saved = report(
        line("failed", message="no", error="E", remediation="do", metadata={"a": [1, 2.5, None, {"b": "é"}]}),
        line("skipped", "vtt", skipped_because="redis failed", queue_ms=1.25),
        campaign_id=CAMPAIGN,
        triggered_by=new_id(),
        streamer_ids=("a", "b"),
        metadata={"handler": "dice"},
    )

    assert store.save([saved]) == [saved]
    assert store.get(saved.id) == saved
    assert store.get(saved.id).to_json() == saved.to_json()


def test_the_row_has_the_columns_that_were_asked_for(store, database):
    """The table is readable by SQL, with verdict and short-circuit spelled out."""
    store.save([report(NO_GO, line("skipped", "vtt", skipped_because="redis failed"))])

    row = database.sql(
        "SELECT mode, event_type, success, verdict, short_circuited_by, duration_ms, jsonb_array_length(checks),"
        " abs(extract(epoch FROM now() - created_at)) < 60 FROM preflight_reports"
    )
    assert row == [("full", "poll_launch", False, "NO-GO", "redis", 12, 2, True)]


def test_a_report_that_is_not_there_is_none(store):
    """An unknown id is no error."""
    assert store.get(new_id()) is None


def test_saving_twice_is_one_row_and_new_once(store, database):
    """The second save returns nothing: nobody is told twice."""
    first, second = report(), report()

    assert store.save([first]) == [first]
    assert store.save([first, second, second]) == [second]
    assert store.save([first, second]) == []
    assert database.sql("SELECT count(*) FROM preflight_reports") == [(2,)]


def test_nothing_to_save_is_nothing_saved(store):
    """An empty batch costs nothing."""
    assert store.save([]) == []


def test_a_batch_larger_than_a_statement_is_one_transaction(store, database):
    """500 reports arrive together, in the order in which they were given."""
    batch = [report() for _ in range(500)]

    assert store.save(batch[::-1]) == batch[::-1]
    assert database.sql("SELECT count(*), count(DISTINCT xmin::text) FROM preflight_reports") == [(500, 1)]


def test_savers_of_the_same_reports_share_them_exactly(store):
    """Eight threads save the same batch: each report is new to exactly one of them."""
    batch = [report() for _ in range(40)]
    new: list[PreFlightReport] = []
    threads = [threading.Thread(target=lambda: new.extend(store.save(batch[::-1]))) for _ in range(4)]
    threads += [threading.Thread(target=lambda: new.extend(store.save(batch))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(saved.id for saved in new) == [saved.id for saved in batch]


@pytest.mark.parametrize(
    ("stored", "given", "wins"), [(GO, NO_GO, True), (GO, GO, False), (NO_GO, GO, False), (NO_GO, NO_GO, False)]
)
def test_only_a_no_go_overrules_and_only_a_go(store, stored, given, wins):
    """What the caller was told is what is stored, and a GO never replaces anything."""
    before = report(stored)
    after = dataclasses.replace(before, checks=(dataclasses.replace(given, message="told"),))
    store.save([before])

    assert store.save([after], overrule=True) == ([after] if wins else [])
    assert store.get(before.id) == (after if wins else before)


def test_without_overruling_the_first_report_stays(store):
    """A NO-GO of the workers does not replace what was stored."""
    before = report(GO)
    store.save([before])

    assert store.save([dataclasses.replace(before, checks=(NO_GO,))]) == []
    assert store.get(before.id) == before


def test_a_no_go_overrules_within_one_batch(store):
    """Both verdicts of one id in one batch: the NO-GO is stored."""
    go = report(GO)
    no_go = dataclasses.replace(go, checks=(NO_GO,))

    assert store.save([go, no_go, go], overrule=True) == [no_go]
    assert store.get(go.id).verdict == "NO-GO"


def test_text_that_postgresql_refuses_never_breaks_a_save(store):
    """NUL, lone surrogates, NaN and oversized fields are mended, and the rest of the batch is stored."""
    bad = "a\x00b\ud800"
    poison = report(
        line("failed", message=bad, metadata={bad: [bad, float("nan"), float("inf"), b"x"]}),
        event_type="e" * 80 + bad,
        streamer_ids=(bad,),
        metadata={"k": {"\x00": bad}},
        duration_ms=10**12,
    )
    sound = report()

    assert store.save([poison, sound]) == [poison, sound]
    assert store.get(poison.id).checks[0].message == "a\ufffdb\ufffd"
    assert "\x00" not in json.dumps(store.get(poison.id).to_json(), ensure_ascii=False)


def test_recent_reports_come_newest_first_in_pages(store):
    """`before` the last id of a page is the next page, without gap or repetition."""
    saved = [report() for _ in range(7)]
    store.save(saved)
    pages, before = [], None
    while page := store.page(limit=3, before=before):
        pages.append([found.id for found in page])
        before = page[-1].id

    assert [len(page) for page in pages] == [3, 3, 1]
    assert [found for page in pages for found in page] == [kept.id for kept in reversed(saved)]


def test_recent_reports_are_filtered(store):
    """By verdict, event type and check, and by all of them."""
    go, no_go = report(GO, event_type="dice_roll"), report(NO_GO, line("passed", "vtt"))
    store.save([go, no_go])

    assert store.page() == [no_go, go]
    assert len(store.page(limit=0)) == len(store.page(limit=-5)) == 1


def test_a_forked_child_has_connections_of_its_own(store, database):
    """Child and parent save and read at a time; each server process has one of them as its client."""
    mine = report()
    store.save([mine])
    backends = "SELECT pid FROM pg_stat_activity WHERE application_name = 'preflight' AND datname = current_database()"
    before = set(database.sql(backends))

    child = os.fork()
    if child == 0:  # pragma: no cover  # runs in the child
        try:
            theirs = store.save([report() for _ in range(3)])
            os._exit(0 if len(theirs) == 3 and set(database.sql(backends)) - before else 1)
        finally:
            os._exit(2)
    _, state = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(state) == 0
    assert store.get(mine.id) == mine
    assert before <= set(database.sql(backends))
    assert len(store.page(limit=9)) == 4


def test_connections_that_the_server_ended_are_replaced(store, database):
    """A restart of the server costs no save afterwards."""
    store.save([report()])
    database.sql(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE application_name = 'preflight' AND datname = current_database()"
    )

    later = report()
    assert store.save([later]) == [later]


def test_a_store_may_be_used_after_it_was_disposed_of(store):
    """`dispose` closes the connections, not the store."""
    store.dispose()

    assert store.page(limit=1) == []


def test_every_spelling_of_the_url_opens_the_store(database):
    """`postgres://`, `postgresql://` and SQLAlchemy's own form are one."""
    rest = database.url.partition("://")[2]
    for scheme in ("postgres", "postgresql", "postgresql+psycopg2"):
        store = ReportStore(f"{scheme}://{rest}")
        assert store.page(limit=1) == []
        store.dispose()
