"""The tier ladder: a run's checks from the first tier to the last, as they stand now."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.text import Text

from preflight.cli.terminal import draws, hanging, wrapped
from preflight.cli.text import plain

if TYPE_CHECKING:
    from preflight.engine.state import CheckProgress
    from preflight.types import CheckReport

#: Symbol, its ASCII stand-in, and style, by what stands beside it. Shape and word carry the meaning, colour only helps.
MARKS = {
    "passed": ("✔", "+", "green"),
    "warning": ("▲", "!", "yellow"),
    "failed": ("✖", "x", "bold red"),
    "error": ("?", "?", "bold magenta"),
    "skipped": ("┄", "-", "dim"),
    "running": ("▸", ">", "cyan"),
    "waiting": ("·", ".", "dim"),
}
_WORD = 7
_TIMES = 17
_MIN_NAME, _MAX_NAME = 6, 24
#: Below this width the times are left out and every answer gets lines of its own.
_NARROW = 72


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rung:
    """One check on the ladder. `todo` is what to do about it; times are in milliseconds."""

    name: str
    priority: int
    word: str
    answer: str = ""
    notes: tuple[str, ...] = ()
    todo: str | None = None
    queue_ms: float | None = None
    duration_ms: float | None = None
    blocks: bool = False

    @classmethod
    def of_report(cls, check: CheckReport) -> Rung:
        """Return the rung of a check in a finished report."""
        answer = _answer(check)
        return cls(
            name=plain(check.name, 64),
            priority=check.priority,
            word=check.status.value,
            answer=answer,
            notes=tuple(note for warning in check.warnings if (note := plain(warning)) not in answer),
            todo=plain(check.remediation) if check.remediation and check.status in {"failed", "error"} else None,
            queue_ms=check.queue_ms,
            duration_ms=check.duration_ms,
            blocks=check.blocks,
        )

    @classmethod
    def of_progress(cls, check: CheckProgress) -> Rung:
        """Return the rung of a check in a run that goes on."""
        word = check.status.value if check.status else ("running" if check.running else "waiting")
        return cls(
            name=plain(check.name, 64),
            priority=check.priority,
            word=word,
            answer=because(check.message) if check.status == "skipped" else plain(check.message),
            queue_ms=check.queue_ms,
            duration_ms=check.duration_ms,
            blocks=word in {"failed", "error"},
        )


def _answer(check: CheckReport) -> str:
    """Return what a check said, what it did not say itself (advisory, slow, cached), or why it was skipped."""
    if check.status == "skipped":
        return because(check.skipped_because or check.message)
    said = plain(check.message)
    if check.error and check.error not in check.message and check.status in {"failed", "error"}:
        said = f"{said} ({plain(check.error)})" if said else plain(check.error)
    remarks = []
    if check.severity == "advisory" and check.status in {"failed", "error"}:
        remarks.append("advisory")
    if check.slow:
        remarks.append("slow")
    if check.cached:
        remarks.append(f"cached {milliseconds(check.cached_age_ms)} ago" if check.cached_age_ms else "cached")
    return f"{said} [{', '.join(remarks)}]".strip() if remarks else said


def because(reason: str) -> str:
    """Return why a check was skipped, as "because redis failed" or "because tokens is in error"."""
    name, _, status = reason.rpartition(" ")
    words = f"{name} is in error" if status == "error" and name.isidentifier() else reason
    return f"because {plain(words or 'it was not asked')}"


def milliseconds(value: float | None) -> str:
    """Return a duration as people read it: 0.4 ms, 312 ms, 2.4 s, 3 min."""
    if value is None:
        return ""
    if value < 10:
        return f"{value:.1f} ms"
    if value < 1000:
        return f"{value:.0f} ms"
    return f"{value / 1000:.1f} s" if value < 100_000 else f"{value / 60_000:.0f} min"


class Ladder:
    """Draws rungs for the width and the encoding of the console that asks."""

    def __init__(self, rungs: Sequence[Rung]) -> None:
        self.rungs = sorted(rungs, key=lambda rung: (rung.priority, rung.name))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Group(*self.lines(console))

    def lines(self, console: Console) -> Iterator[Text]:
        """Yield the ladder's lines."""
        drawing = _Narrow(console) if console.width < _NARROW else _Wide(console, self.rungs)
        yield from drawing.head()
        for priority, tier in itertools.groupby(self.rungs, key=lambda rung: rung.priority):
            label = str(priority)
            for rung in tier:
                yield from _unbroken(drawing.rung(label, rung))
                label = ""


def _unbroken(lines: Iterable[Text]) -> Iterator[Text]:
    for line in lines:
        line.no_wrap, line.overflow = True, "ignore"
        yield line


class _Narrow:
    """A check on one line, its answer indented below it."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.drawn = draws(console)

    def head(self) -> Iterable[Text]:
        return ()

    def rung(self, label: str, rung: Rung) -> Iterator[Text]:
        symbol, style = _mark_of(rung, drawn=self.drawn)
        first = Text.assemble((f"{label:>4} ", "dim"), (f"{symbol} {rung.word} ", style), (rung.name, name_style(rung)))
        first.truncate(max(self.console.width, 12), overflow="ellipsis" if self.drawn else "crop")
        yield first
        for text, text_style in _below(rung, drawn=self.drawn):
            yield from hanging(self.console, text, 6, 0, text_style)


class _Wide:
    """A check on one line with its answer and times; what does not fit continues below its own column."""

    def __init__(self, console: Console, rungs: Sequence[Rung]) -> None:
        self.console = console
        self.drawn = draws(console)
        longest = max((len(rung.name) for rung in rungs), default=0)
        self.name = max(_MIN_NAME, min(longest, _MAX_NAME, console.width // 4))
        self.indent = 4 + 2 + 2 + _WORD + 2
        self.answer = console.width - self.indent - self.name - 2 - 1 - _TIMES

    def head(self) -> Iterable[Text]:
        left = f"tier    {'status':<{_WORD}}  {'check':<{self.name}}  answer"
        return [Text(f"{left:<{self.console.width - _TIMES}}{'queue':>8} {'run':>8}", style="dim")]

    def rung(self, label: str, rung: Rung) -> Iterator[Text]:
        (answer, style), *below = _below(rung, drawn=self.drawn, at_least_answer=True)
        first, *more = wrapped(self.console, answer, self.answer + (0 if _times(rung) else 1 + _TIMES), style)
        lead, margin = self._lead(label, rung), " " * (self.indent + self.name + 2)
        if len(rung.name) > self.name:
            # A name that needs the room of the answer has the line to itself.
            lead.truncate(self.console.width)
            yield lead
            lead = Text(margin)
        yield self._with_times(Text.assemble(lead, first), rung)
        yield from (Text.assemble(margin, line) for line in more)
        for text, text_style in below:
            yield from hanging(self.console, text, self.indent, text.index(" ") + 1, text_style)

    def _lead(self, label: str, rung: Rung) -> Text:
        symbol, style = _mark_of(rung, drawn=self.drawn)
        return Text.assemble(
            (f"{label:>4}  ", "dim"),
            (f"{symbol} {rung.word:<{_WORD}}  ", style),
            (f"{rung.name:<{self.name}}  ", name_style(rung)),
        )

    def _with_times(self, line: Text, rung: Rung) -> Text:
        if times := _times(rung):
            line.pad_right(max(0, self.console.width - _TIMES - line.cell_len))
            line.append(times, "dim")
        line.rstrip()
        return line


def _times(rung: Rung) -> str:
    if rung.queue_ms is None and rung.duration_ms is None:
        return ""
    return f"{milliseconds(rung.queue_ms):>8} {milliseconds(rung.duration_ms):>8}"


def _below(rung: Rung, *, drawn: bool, at_least_answer: bool = False) -> list[tuple[str, str]]:
    """Return a rung's texts with their styles: the answer, its notes, what to do."""
    arrow = "→" if drawn else "->"
    quiet = "dim" if rung.word in {"skipped", "waiting"} else ""
    texts = [(rung.answer, quiet)] if rung.answer or at_least_answer else []
    texts += [(f"- {note}", "yellow") for note in rung.notes]
    return texts + ([(f"{arrow} {rung.todo}", "bold")] if rung.todo else [])


def _mark_of(rung: Rung, *, drawn: bool) -> tuple[str, str]:
    """Return a rung's symbol and style: only what blocks is red."""
    symbol, style = mark(rung.word, drawn=drawn)
    return symbol, "yellow" if rung.word in {"failed", "error"} and not rung.blocks else style


def mark(word: str, *, drawn: bool) -> tuple[str, str]:
    """Return symbol and style of a status, a verdict or a finding."""
    symbol, stand_in, style = MARKS[word]
    return (symbol if drawn else stand_in), style


def name_style(rung: Rung) -> str:
    """Return the style of a check's name: what nobody asked stands back."""
    return "dim" if rung.word in {"skipped", "waiting"} else "bold"
