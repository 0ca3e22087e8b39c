"""How the pages say times, sizes and what others wrote."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from markupsafe import Markup, escape

#: Controls, and what turns the direction of the text around it: shown as escapes. Joiners of emoji are left alone.
_TREACHEROUS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_STEPS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))
NONE = "\N{EN DASH}"


def visible(text: str) -> str:
    """Return a text of others with what could hide or reorder it shown as an escape."""
    return _TREACHEROUS.sub(lambda match: match.group().encode("unicode_escape").decode("ascii"), text)


def short(text: str, most: int = 160) -> str:
    """Return a text of others on one line, at most `most` characters."""
    line = visible(" ".join(text[: 4 * most].split()))
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def ago(since: datetime, now: datetime) -> str:
    """Return how long ago an instant was, as "4 s ago"."""
    return f"{span(since, now)} ago"


def span(since: datetime, until: datetime) -> str:
    """Return the time between two instants in its largest unit, as "4 s", "3 min", "5 h" or "2 d"."""
    length: timedelta = until - since
    seconds = max(0, int(length.total_seconds()))
    size, unit = next(((size, unit) for size, unit in _STEPS if seconds >= size), _STEPS[-1])
    return f"{seconds // size:,} {unit}"


def milliseconds(value: float | None) -> str:
    """Return a duration, as "46 ms", "1.2 s" or "2 min 5 s"; a dash when there is none."""
    if value is None:
        return NONE
    if value < 10:
        return f"{value:.1f}".removesuffix(".0") + " ms"
    if value < 1000:
        return f"{value:.0f} ms"
    seconds = value / 1000
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds // 60)} min {int(seconds % 60)} s"


def percent(rate: float | None, digits: int = 1) -> str:
    """Return a share of 1 in percent, never rounded up to 100 or down to 0; a dash when there is none."""
    if rate is None:
        return NONE
    smallest = 10.0**-digits
    value = 100 * rate
    if 0 < rate < 1:
        value = min(max(value, smallest), 100 - smallest)
    return f"{value:.{digits}f}".removesuffix("." + "0" * digits)


def instant(at: datetime) -> str:
    """Return an instant in UTC, as "25 Nov 2026, 14:30:58"."""
    at = at.astimezone(UTC)
    return f"{at.day} {at:%b %Y, %H:%M:%S}"


def clock(at: datetime, now: datetime) -> str:
    """Return the time of an instant of today, or the date of an earlier one."""
    at, now = at.astimezone(UTC), now.astimezone(UTC)
    return f"{at:%H:%M:%S}" if at.date() == now.date() else f"{at.day} {at:%b, %H:%M}"


def iso(at: datetime) -> str:
    """Return an instant as scripts read it."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def plural(count: int, word: str, many: str | None = None) -> str:
    """Return a count with its word, as "1 run" or "5,099 runs"."""
    return f"{count:,} {word if count == 1 else many or word + 's'}"


def breakable(name: str) -> Markup:
    """Return a name, escaped, that a narrow column may break after each underscore."""
    return Markup("_<wbr>").join(escape(part) for part in visible(name).split("_"))


def indented(value: object, most: int) -> str:
    """Return a JSON value laid out, at most `most` characters of it."""
    text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    return visible(text if len(text) <= most else f"{text[:most]}…")


def joined(parts: list[str], most: int = 4) -> str:
    """Return a list as a sentence has it: "a, b and c"; a long one ends with "and 7 more"."""
    if len(parts) > most:
        parts = [*parts[: most - 1], f"{len(parts) - most + 1} more"]
    return parts[-1] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""


#: What templates call these by.
FILTERS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (visible, short, ago, span, milliseconds, percent, instant, clock, iso, breakable, indented)
}
