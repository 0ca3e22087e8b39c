"""How pages say times, shares and what others wrote."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from preflight.admin.wording import breakable, clock, joined, milliseconds, percent, short, span, visible

NOW = datetime(2026, 11, 25, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"), [(-5, "0 s"), (0, "0 s"), (59, "59 s"), (60, "1 min"), (3600, "1 h"), (400_000, "4 d")]
)
def test_a_span_is_told_in_its_largest_unit(seconds, text):
    """Nobody reads 400,000 s; a clock that runs ahead is 0 s."""
    assert span(NOW - timedelta(seconds=seconds), NOW) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0, "0 ms"), (3.42, "3.4 ms"), (46.4, "46 ms"), (1234, "1.2 s"), (125_000, "2 min 5 s")],  # noqa: RUF001
)
def test_a_duration_is_told_in_a_fitting_unit(value, text):
    """From tenths of a millisecond to minutes."""
    assert milliseconds(value) == text


@pytest.mark.parametrize(
    ("rate", "text"),
    [(None, "–"), (0, "0"), (1, "100"), (0.9999999, "99.9"), (0.00001, "0.1"), (0.968, "96.8")],  # noqa: RUF001
)
def test_a_share_is_never_rounded_to_all_or_nothing(rate, text):
    """One failure in a million runs is not 100 %."""
    assert percent(rate) == text


def test_a_time_of_today_has_no_date():
    """An earlier one has."""
    assert clock(NOW - timedelta(minutes=1), NOW) == "14:29:00"
    assert clock(NOW - timedelta(days=1), NOW) == "24 Nov, 14:30"


def test_controls_are_shown_and_emoji_and_arabic_are_left_alone():
    """What turns the direction of text becomes visible; what people write stays as it is."""
    assert visible("a\u202eb\x00\u2066") == "a\\u202eb\\x00\\u2066"
    assert visible("👩‍👩‍👧 مرحبا ✅") == "👩‍👩‍👧 مرحبا ✅"


def test_a_long_text_is_cut_on_one_line():
    """50 KB cost 160 characters, and end with an ellipsis."""
    text = short("x\ny " * 20_000)

    assert len(text) <= 160
    assert text.endswith("…")
    assert "\n" not in text


def test_a_name_may_break_after_its_underscores_and_is_escaped():
    """The break is markup, the name is not."""
    assert breakable("a_<b>") == "a_<wbr>&lt;b&gt;"


def test_a_list_reads_as_a_sentence():
    """And a long one ends."""
    assert joined(["a"]) == "a"
    assert joined(["a", "b", "c"]) == "a, b and c"
    assert joined(list("abcdefg")) == "a, b, c and 4 more"
