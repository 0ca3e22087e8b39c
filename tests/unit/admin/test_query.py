"""The query bar: what it understands, and where it says that it does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.admin.query import MAX_LENGTH, InvalidQuery, parse
from preflight.types import Status

NOW = datetime(2026, 11, 25, 14, 30, tzinfo=UTC)
CAMPAIGN = "018f4c1e-0000-7000-8000-000000000001"


def refused(text: str) -> InvalidQuery:
    with pytest.raises(InvalidQuery) as caught:
        parse(text, NOW)
    return caught.value


def test_every_word_sets_its_field_of_the_filter():
    """One query with every word means what each word says."""
    text = f"check:twitch_api status:failed event:poll_launch mode:light verdict:nogo campaign:{CAMPAIGN}"

    assert parse(f"{text} since:24h until:1h", NOW).conditions == {
        "check": "twitch_api",
        "check_status": Status.FAILED,
        "event_type": "poll_launch",
        "mode": "light",
        "success": False,
        "campaign_id": UUID(CAMPAIGN),
        "since": NOW - timedelta(hours=24),
        "until": NOW - timedelta(hours=1),
    }


@pytest.mark.parametrize("text", ["", "   ", "\t\n"])
def test_an_empty_query_asks_for_everything(text):
    """No word, no condition."""
    assert parse(text, NOW).conditions == {}


def test_times_may_be_dates_and_are_utc():
    """A date is its midnight, and a time without a zone is UTC."""
    query = parse("since:2026-11-24 until:2026-11-25T14:30", NOW)

    assert query.conditions["since"] == datetime(2026, 11, 24, tzinfo=UTC)
    assert query.conditions["until"] == datetime(2026, 11, 25, 14, 30, tzinfo=UTC)


def test_carets_stand_below_the_part_that_is_wrong():
    """The second line points at the value, not at its key."""
    problem = refused("mode:light check:redis status:fail")

    assert problem.pointer == "mode:light check:redis status:fail\n                              ^^^^"
    assert str(problem) == "“fail” is no status. It is one of passed, warning, failed, error, skipped."
    assert problem.correction == "mode:light check:redis status:failed"


def test_carets_stand_below_a_wrong_key():
    """A key that does not exist is marked alone, and the nearest one is offered."""
    problem = refused("chek:redis")

    assert problem.pointer == "chek:redis\n^^^^"
    assert problem.correction == "check:redis"


@pytest.mark.parametrize(
    ("text", "correction"),
    [
        ("redis", "check:redis"),
        ("NO-GO", "verdict:nogo"),
        ("light", "mode:light"),
        (CAMPAIGN, f"campaign:{CAMPAIGN}"),
        ("mode:everything", None),
        ("check:Redis", "check:redis"),
        ("event:Poll_Launch", "event:poll_launch"),
        ("verdict:stop", None),
    ],
)
def test_what_is_probably_meant_is_offered(text, correction):
    """A word without its key, and a value in capitals, are corrected by one click."""
    assert refused(text).correction == correction


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("check:", "right after the colon"),
        ("check:redis check:disk", "twice"),
        ("status:failed", "about one check"),
        ("since:1h until:24h", "not after since"),
        ("since:99999d", "too long ago"),
        ("since:soon", "no time"),
        ("since:2026-13-01", "no time"),
        ("campaign:42", "whole UUID"),
        ("check:'; DROP TABLE preflight_reports; --", "is no check"),
        ("<script>alert(1)</script>", "word:value"),
        ("a" * (MAX_LENGTH + 1), "at most 500"),
    ],
)
def test_nonsense_is_refused_with_what_is_wrong(text, part):
    """Each mistake has a line of its own."""
    problem = refused(text)

    assert part in str(problem)
    assert problem.pointer.splitlines()[1].strip("^ ") == ""


def test_controls_in_a_query_are_shown_as_escapes_and_the_carets_still_fit():
    """A control that turns the text's direction cannot move the carets."""
    line, carets = refused("ch\u202eeck:redis").pointer.splitlines()

    assert "\u202e" not in line
    assert line[carets.index("^") : len(carets)] == "ch\\u202eeck"


@given(st.text(max_size=600))
def test_any_text_is_understood_or_refused(text):
    """There is no third outcome, and a correction is one line that differs from what was written."""
    try:
        parse(text, NOW)
    except InvalidQuery as caught:
        problem = caught
    else:
        return

    assert str(problem)
    assert len(problem.pointer.splitlines()) == 2
    assert problem.correction != text


def test_a_word_can_be_exchanged():
    """Links keep the rest of the query."""
    query = parse("verdict:nogo  check:redis", NOW)

    assert query.replaced("verdict", "go") == "check:redis verdict:go"
    assert query.replaced("verdict", None) == "check:redis"
    assert query.text == "verdict:nogo check:redis"
