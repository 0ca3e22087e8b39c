"""The numbers of the pages' drawings: strips, charts and bars of time. Colours and shapes are the style sheet's."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from preflight.admin.wording import plural

#: A bar of a strip is 4 wide and stands 6 from the next.
STEP = 6
BAR = 4
STRIP_HEIGHT = 20
CHART_WIDTH, CHART_HEIGHT = 720, 160
SPARK_BARS, SPARK_HEIGHT = 12, 18
SCALE = 1000

#: The order in which a strip's text counts.
_ORDER = ("GO", "passed", "GO with warning", "warning", "failed", "NO-GO", "error", "skipped")
#: Where the middle of a status's bar is; its thickness and dashes are the style sheet's.
_MIDDLE = {"passed": 15.5, "warning": 15.5, "failed": 10, "error": 10, "skipped": 19, "dot": 7}
_DRAWN_AS = {"GO": "passed", "NO-GO": "failed"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stroke:
    """One path of a drawing: its style's name and its coordinates."""

    style: str
    path: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Strip:
    """The last runs as bars, newest right. `label` says the same in words."""

    width: int
    strokes: tuple[Stroke, ...]
    label: str


def strip(statuses: Sequence[str], size: int, what: str = "runs") -> Strip:
    """Return the strip of the newest `size` statuses (newest last), at the right end of its width."""
    shown = statuses[-size:]
    return Strip(
        width=size * STEP - (STEP - BAR),
        strokes=tuple(_strokes(shown, first=size - len(shown))),
        label=_label(shown, what),
    )


def _strokes(statuses: Sequence[str], first: int) -> Iterable[Stroke]:
    """Yield a path per status: neighbours of one status are one dashed line, whose dashes are the bars."""
    places: dict[str, list[tuple[int, int]]] = {}
    at = first
    for word, group in itertools.groupby(statuses):
        count = len(list(group))
        status = _DRAWN_AS.get(word, word)
        for style in (status, "dot") if status == "warning" else (status,):
            places.setdefault(style, []).append((at, count))
        at += count
    return (Stroke(style=style, path=_path(style, found)) for style, found in places.items())


def _path(style: str, places: Sequence[tuple[int, int]]) -> str:
    """Return the path of (first bar, count) of one style; each part begins where the one before it has ended."""
    if style == "error":  # hollow, so its bars are outlines
        return "".join(
            f"M{(at + bar) * STEP + 0.7:g} .7h2.6v18.6h-2.6z" for at, count in places for bar in range(count)
        )
    path, end = "", 0
    for at, count in places:
        width = count * STEP - (STEP - BAR)
        path += (f"m{at * STEP - end} 0" if path else f"M{at * STEP} {_MIDDLE.get(style, 10):g}") + f"h{width}"
        end = at * STEP + width
    return path


def _label(statuses: Sequence[str], what: str) -> str:
    if not statuses:
        return f"no {what} yet"
    counts = Counter(statuses)
    parts = [f"{counts[word]} {word}" for word in _ORDER if counts[word]]
    return f"last {len(statuses)} {what}: {', '.join(parts)}; newest {statuses[-1]}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Spark:
    """A trend of failures: bar heights, oldest first, and the trend in a word."""

    bars: tuple[tuple[int, int, bool], ...]  #: x, height, whether it is the newest and not 0
    word: str


def spark(values: Sequence[float]) -> Spark:
    """Return the drawing of a trend, its values summed up to a dozen bars."""
    sums = [sum(part) for part in _parts(values, SPARK_BARS)]
    most = max(sums, default=0) or 1
    bars = tuple(
        (5 * number, max(1, round(SPARK_HEIGHT * value / most)), bool(value) and number == len(sums) - 1)
        for number, value in enumerate(sums)
    )
    return Spark(bars=bars, word=trend_word(sums))


def trend_word(values: Sequence[float]) -> str:
    """Return "rising" or "falling" when the second half holds a quarter more or less than the first, else "steady"."""
    half = len(values) // 2
    before, after = sum(values[:half]), sum(values[len(values) - half :])
    if after > 1.25 * before:
        return "rising"
    return "falling" if before > 1.25 * after else "steady"


def _parts(values: Sequence[float], most: int) -> Iterable[Sequence[float]]:
    size = max(1, math.ceil(len(values) / most))
    first = len(values) % size
    if first:
        yield values[:first]
    for start in range(first, len(values), size):
        yield values[start : start + size]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Column:
    """One step of a chart: its label, its counts, and where it is drawn."""

    at: datetime
    label: str
    runs: int
    failures: int
    x: float
    failure_top: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Chart:
    """Runs as a line and NO-GO as bars on the same scale; the last step, not over yet, is dashed."""

    columns: tuple[Column, ...]
    step: float
    area: str
    line: str
    unfinished: str
    ticks: tuple[int, ...]
    label: str


def chart(points: Sequence[tuple[datetime, int, int]], label_format: str, what: str) -> Chart:
    """Return the chart of (instant, runs, failures), oldest first; `what` names it, as in "Runs per hour"."""
    top = nice_top(max((runs for _, runs, _ in points), default=0))
    step = CHART_WIDTH / max(1, len(points))
    columns = tuple(
        Column(
            at=at,
            label=at.strftime(label_format),
            runs=runs,
            failures=failures,
            x=round(step * number, 1),
            failure_top=_y(failures, top) if not failures else min(_y(failures, top), CHART_HEIGHT - 2),
        )
        for number, (at, runs, failures) in enumerate(points)
    )
    places = [f"{round(column.x + step / 2, 1):g},{_y(column.runs, top):g}" for column in columns]
    return Chart(
        columns=columns,
        step=round(step, 1),
        area=_area(places),
        line=" ".join(places[:-1]),
        unfinished=" ".join(places[-2:]),
        ticks=(top, top * 3 // 4, top // 2, top // 4, 0),
        label=_chart_label(columns, what),
    )


def nice_top(most: int) -> int:
    """Return the upper end of a scale that four steps divide: 4, 8, 20, 40, 80, 200 ..."""
    size = 1
    while True:
        for first in (4, 8, 20):
            if most <= first * size:
                return first * size
        size *= 10


def _y(value: int, top: int) -> float:
    return round(CHART_HEIGHT * (1 - value / top), 1)


def _area(places: Sequence[str]) -> str:
    if not places:
        return ""
    first, last = places[0].split(",")[0], places[-1].split(",")[0]
    return f"M{first},{CHART_HEIGHT} L{' L'.join(places)} L{last},{CHART_HEIGHT}Z"


def _chart_label(columns: Sequence[Column], what: str) -> str:
    most = max(columns, key=lambda column: column.runs, default=None)
    if most is None or not most.runs:
        return f"{what}: none"
    worst = max(columns, key=lambda column: column.failures)
    peak = f" NO-GO peak: {worst.failures} at {worst.label}." if worst.failures else " No NO-GO."
    least = min(column.runs for column in columns)
    return f"{what}: between {least} and {plural(most.runs, 'run')}, most at {most.label}.{peak}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bar:
    """A check's time on a scale of 0 to 1000: where it waits, where it runs."""

    queue_x: int
    queue_width: int
    run_x: int
    run_width: int


def bar(start_ms: float, queue_ms: float | None, run_ms: float | None, total_ms: float) -> Bar | None:
    """Return the bar of a check that was sent `start_ms` after its run's opening; None if it has no times."""
    if queue_ms is None and run_ms is None:
        return None
    total = max(total_ms, start_ms + (queue_ms or 0) + (run_ms or 0), 1)
    queue_x = _scaled(start_ms, total)
    run_x = _scaled(start_ms + (queue_ms or 0), total)
    run_end = _scaled(start_ms + (queue_ms or 0) + (run_ms or 0), total)
    width = max(5, run_end - run_x) if run_ms is not None else 0
    return Bar(queue_x=queue_x, queue_width=run_x - queue_x, run_x=min(run_x, SCALE - width), run_width=width)


def _scaled(value: float, total: float) -> int:
    return round(SCALE * value / total)
