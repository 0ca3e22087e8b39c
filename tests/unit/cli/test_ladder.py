"""The tier ladder and the verdict below it, at every width and in every encoding."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from rich.console import Console

from preflight.cli import human
from preflight.cli.ladder import Ladder, Rung, because, milliseconds
from preflight.engine.state import CheckProgress
from preflight.types import Status


def drawn(console, report):
    """Return what a person sees of a report."""
    human.show_header(console, report)
    human.show_report(console, report)
    return console.file.getvalue()


def test_a_check_is_one_line_of_symbol_word_name_message_and_times(console, go):
    """On a usual terminal a check that passed is told on one line, under its tier."""
    lines = drawn(console(100), go).splitlines()

    redis = next(line for line in lines if "redis" in line)
    assert " ".join(redis.split()) == "0 ✔ passed redis PING, and a key written and read back 3.4 ms 1.2 ms"


def test_the_tier_is_named_once_and_tiers_are_in_order(console, no_go):
    """Lower priorities come first, and only the first check of a tier carries its number."""
    lines = drawn(console(100), no_go).splitlines()

    assert [line[:4].strip() for line in lines if line[:4].strip().isdigit()] == ["0", "10", "20"]


def test_what_blocks_says_what_to_do_below_it_and_again_below_the_verdict(console, no_go):
    """Nobody has to look for the remediation of a check that blocks."""
    text = drawn(console(100), no_go)

    assert "→ Sign in again." in text
    assert "To do for tokens: Sign in again." in text
    assert "2 are invalid (HTTP 401)" in text


def test_a_skipped_check_says_because_of_what(console, no_go):
    """The reason names the check that blocked, in words."""
    assert "because tokens failed" in drawn(console(100), no_go)
    assert because("redis error") == "because redis is in error"
    assert because("the run has no campaign_id") == "because the run has no campaign_id"


def test_an_advisory_failure_is_marked_and_counted_apart(console, go):
    """A GO that shows a failure says that it is only advisory."""
    text = drawn(console(100), go)

    assert "schema is behind [advisory]" in text
    assert "may go ahead: 2 passed, 1 warning, 1 advisory failed, 1 skipped." in text


def test_slow_and_cached_answers_and_further_warnings_are_told(console, go):
    """What is remarkable about an answer stands beside it."""
    text = drawn(console(100), go)

    assert "Helix answers [cached 12.4 s ago]" in text
    assert "one expires soon [slow]" in text
    assert "- tom's expires in 3 h" in text


def test_a_run_that_asked_nothing_says_so(console, report, line):
    """A NO-GO without a blocking check is explained, and says where to look."""
    text = drawn(console(100), report(line("vtt", 5, "skipped", skipped_because="it does not apply")))

    assert "NO-GO  poll_launch must not go ahead: no check was asked." in text
    assert "To do:" in text


@pytest.mark.parametrize("width", [20, 40, 71, 72, 80, 100, 120, 200])
def test_no_line_is_wider_than_the_terminal(console, go, no_go, width):
    """Whatever the width, no line is broken by the terminal itself, and every check and the verdict are there."""
    for report in (go, no_go):
        text = drawn(console(width), report)

        assert max(cell_len(line) for line in text.splitlines()) <= width
        assert all(check.name[: width - 17] in text for check in report.checks)
        assert report.verdict in text
        assert str(report.id) in text.replace("\n", "")


def test_wide_characters_do_not_push_the_times_out(console, report, line):
    """Columns are counted in cells: an answer in Chinese is folded as it is seen."""
    text = drawn(console(80), report(line("redis", 0, "passed", "服务器正常" * 20, queue_ms=1, duration_ms=2)))

    assert max(cell_len(line) for line in text.splitlines()) <= 80


def test_a_terminal_without_the_symbols_gets_plain_ones(console, no_go):
    """Where the encoding lacks the symbols, ASCII stands for them and nothing fails."""
    text = drawn(console(80, "ascii"), no_go)

    assert text.isascii()
    assert "x failed   tokens" in text
    assert "-> Sign in again." in text


def test_status_is_readable_without_colour(no_go, go, monkeypatch):
    """With NO_COLOR a terminal gets no colour, and word and symbol still tell the status."""
    monkeypatch.setenv("NO_COLOR", "1")
    console = Console(width=100, force_terminal=True, color_system="truecolor", markup=False, highlight=False)
    with console.capture() as captured:
        human.show_report(console, no_go)

    assert "\x1b[31m" not in captured.get()
    assert "\x1b[1;31m" not in captured.get()
    assert "✖ failed" in captured.get()


@pytest.mark.parametrize(
    "hostile", ["\x1b[2J\x1b]0;title\x07", "\u202egnp.exe", "a\r\nPASSED", "\x00\x07\x9b31m", "\ud800", "[red]x[/red]"]
)
def test_a_check_cannot_command_the_terminal(console, report, line, hostile):
    """Escapes, bidirectional controls and new lines in an answer are shown, never obeyed; markup stays text."""
    text = drawn(
        console(100), report(line("evil", 0, "failed", hostile, remediation=hostile, error=hostile, duration_ms=1))
    )

    assert not set(text) & {"\x1b", "\x07", "\u202e", "\r", "\x00", "\x9b", "\ud800"}
    assert "\nPASSED" not in text
    assert ("[red]x[/red]" in text) == (hostile == "[red]x[/red]")


def test_an_answer_of_a_megabyte_is_cut(console, report, line):
    """One check's text does not push the others off the screen."""
    assert len(drawn(console(100), report(line("long", 0, "passed", "x" * 1_000_000)))) < 10_000


def test_a_run_that_goes_on_shows_what_runs_and_what_waits(console):
    """While a run goes on, every check is passed, running or waiting, in words."""
    checks = (
        CheckProgress(name="redis", priority=0, status=Status.PASSED, message="fine", duration_ms=2.0),
        CheckProgress(name="tokens", priority=10, running=True, queue_ms=3.0),
        CheckProgress(name="cooldown", priority=20),
    )
    target = console(80)
    target.print(Ladder([Rung.of_progress(check) for check in checks]))
    text = target.file.getvalue()

    assert "▸ running  tokens" in text
    assert "· waiting  cooldown" in text
    assert "✔ passed   redis" in text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (0.04, "0.0 ms"), (9.94, "9.9 ms"), (312.4, "312 ms"), (2400, "2.4 s"), (180_000, "3 min")],
)
def test_durations_are_told_as_people_read_them(value, text):
    """The unit follows the size."""
    assert milliseconds(value) == text
