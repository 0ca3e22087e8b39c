"""The query bar's language: `check:twitch_api status:failed mode:light since:24h` as a filter of reports."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from preflight.admin.wording import visible
from preflight.context import EVENT_TYPE
from preflight.exceptions import PreFlightError
from preflight.types import MODES, STATUSES
from preflight.validation import NAME

MAX_LENGTH = 500
MAX_DAYS = 3650

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_VERDICTS = {"go": True, "nogo": False, "no-go": False}


class InvalidQuery(PreFlightError):
    """A query cannot be read. Its text says what is wrong; `pointer` shows where, `correction` how it may be meant."""

    def __init__(self, query: str, start: int, part: str, problem: str, correction: str | None = None) -> None:
        super().__init__(problem)
        self.query, self.start, self.part, self.correction = query, start, part, correction

    @property
    def pointer(self) -> str:
        """The query with a line of carets below the part that is wrong; of a long one, only what is near it."""
        before, after = max(0, self.start - 40), self.start + min(len(self.part), 60) + 20
        head, tail = ("…" if before else ""), ("…" if after < len(self.query) else "")
        line = head + _shown(self.query[before:after]) + tail
        offset = len(head) + len(_shown(self.query[before : self.start]))
        marked = len(_shown(self.part[:60])) or 1
        return f"{line}\n{' ' * offset}{'^' * marked}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Word:
    """One `key:value` of a query and where it stands."""

    key: str
    value: str
    start: int

    @property
    def text(self) -> str:
        """The word as it was written."""
        return f"{self.key}:{self.value}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Query:
    """A query that was understood: `conditions` are the fields of a `ReportFilter` that it sets."""

    words: tuple[Word, ...]
    conditions: Mapping[str, Any]

    @property
    def text(self) -> str:
        """The query, one space between its words."""
        return " ".join(word.text for word in self.words)

    def value(self, key: str) -> str | None:
        """Return what a key was given, or None."""
        return next((word.value for word in self.words if word.key == key), None)

    def replaced(self, key: str, value: str | None) -> str:
        """Return the query's text with another value for a key, or without it."""
        kept = [word.text for word in self.words if word.key != key]
        return " ".join(kept if value is None else [*kept, f"{key}:{value}"])


def parse(text: str, now: datetime) -> Query:
    """Return what a query asks for; raise `InvalidQuery` for the first word that cannot be read."""
    if len(text) > MAX_LENGTH:
        raise InvalidQuery(text, MAX_LENGTH, text[MAX_LENGTH:], f"A query has at most {MAX_LENGTH} characters.")
    words: dict[str, Word] = {}
    conditions: dict[str, Any] = {}
    for match in re.finditer(r"\S+", text):
        word = _word(text, match.group(), match.start())
        if word.key in words:
            raise InvalidQuery(text, word.start, word.text, f"{word.key}: is given twice. Keep one of them.")
        words[word.key] = word
        field, read = _KEYS[word.key]
        conditions[field] = read(text, word, now)
    _fit_together(text, words, conditions)
    return Query(words=tuple(words.values()), conditions=conditions)


def _word(text: str, part: str, start: int) -> Word:
    key, colon, value = part.partition(":")
    key = key.lower()
    if not colon:
        meant = _guess(part)
        raise InvalidQuery(
            text, start, part, f"Write {meant or 'word:value, as in check:redis'}.", _with(text, start, part, meant)
        )
    if key not in _KEYS:
        near = _nearest(key, _KEYS)
        problem = f"There is no word {_quoted(key)}. The words are {', '.join(_KEYS)}."
        raise InvalidQuery(text, start, part[: len(key)], problem, _with(text, start, part, near and f"{near}:{value}"))
    if not value:
        raise InvalidQuery(text, start, part, f"{key}: needs a value right after the colon, as in {_EXAMPLES[key]}.")
    return Word(key=key, value=value, start=start)


def _guess(part: str) -> str | None:
    """Return what a word without a key probably means."""
    lower = part.lower()
    if lower in _VERDICTS:
        return f"verdict:{'go' if _VERDICTS[lower] else 'nogo'}"
    if lower in MODES:
        return f"mode:{lower}"
    if _uuid(part):
        return f"campaign:{part}"
    return f"check:{lower}" if NAME.fullmatch(lower) and lower not in STATUSES else None


def _with(text: str, start: int, part: str, meant: str | None) -> str | None:
    return text[:start] + meant + text[start + len(part) :] if meant else None


def _wrong(text: str, word: Word, problem: str, meant: str | None = None) -> InvalidQuery:
    correction = _with(text, word.start, word.text, meant and f"{word.key}:{meant}")
    return InvalidQuery(text, word.start + len(word.key) + 1, word.value, problem, correction)


def _choice(what: str, choices: Mapping[str, Any]) -> Callable[[str, Word, datetime], Any]:
    def read(text: str, word: Word, _now: datetime) -> Any:
        lower = word.value.lower()
        if lower in choices:
            return choices[lower]
        near = _nearest(lower, choices)
        raise _wrong(text, word, f"{_quoted(word.value)} is no {what}. It is one of {', '.join(choices)}.", near)

    return read


def _name(what: str, pattern: re.Pattern[str], most: int) -> Callable[[str, Word, datetime], str]:
    def read(text: str, word: Word, _now: datetime) -> str:
        if pattern.fullmatch(word.value):
            return word.value
        lower = word.value.lower()
        rule = f"1 to {most} lower-case letters, digits and underscores"
        near = lower if pattern.fullmatch(lower) else None
        raise _wrong(text, word, f"{_quoted(word.value)} is no {what}: that is {rule}.", near)

    return read


def _campaign(text: str, word: Word, _now: datetime) -> UUID:
    if found := _uuid(word.value):
        return found
    raise _wrong(text, word, f"{_quoted(word.value)} is no campaign's id: give the whole UUID.")


def _instant(text: str, word: Word, now: datetime) -> datetime:
    problem = f"{_quoted(word.value)} is no time: write {word.key}:24h, 30m, 7d, 2026-11-25 or 2026-11-25T14:30 (UTC)."
    try:
        if match := re.fullmatch(r"(\d{1,6})([smhdw])", word.value, re.ASCII):
            back = timedelta(**{_UNITS[match[2]]: int(match[1])})
            if back > timedelta(days=MAX_DAYS):
                raise _wrong(text, word, f"{_quoted(word.value)} is too long ago: at most {MAX_DAYS} days.")
            return now - back
        found = datetime.fromisoformat(word.value)
    except (ValueError, OverflowError):
        raise _wrong(text, word, problem) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def _fit_together(text: str, words: Mapping[str, Word], conditions: Mapping[str, Any]) -> None:
    if "status" in words and "check" not in words:
        word = words["status"]
        problem = (
            "status: is about one check: name it too, as in check:redis status:failed. For runs, write verdict:nogo."
        )
        raise InvalidQuery(text, word.start, word.text, problem)
    if "since" in words and "until" in words and conditions["since"] >= conditions["until"]:
        word = words["until"]
        raise InvalidQuery(text, word.start, word.text, "until: is not after since:, so nothing can match.")


def _shown(text: str) -> str:
    return visible(re.sub(r"\s", " ", text))


def _uuid(value: str) -> UUID | None:
    try:
        found = UUID(value)
    except ValueError:
        return None
    return found if str(found) == value.lower() else None


def _nearest(value: str, known: Iterable[str]) -> str | None:
    return next(iter(difflib.get_close_matches(value[:64], known, n=1)), None)


def _quoted(value: str) -> str:
    shown = visible(value)
    return f"“{shown if len(shown) <= 40 else shown[:39] + '…'}”"


_EXAMPLES = {
    "check": "check:redis",
    "status": "status:failed",
    "event": "event:poll_launch",
    "mode": "mode:light",
    "verdict": "verdict:nogo",
    "campaign": "campaign:018f4c1e-0000-7000-8000-000000000001",
    "since": "since:24h",
    "until": "until:1h",
}

#: Which field of the filter each key sets, and how its value is read.
_KEYS: Mapping[str, tuple[str, Callable[[str, Word, datetime], Any]]] = {
    "check": ("check", _name("check's name", NAME, 64)),
    "status": ("check_status", _choice("status", STATUSES)),
    "event": ("event_type", _name("event type", EVENT_TYPE, 50)),
    "mode": ("mode", _choice("mode", {mode: mode for mode in MODES})),
    "verdict": ("success", _choice("verdict", _VERDICTS)),
    "campaign": ("campaign_id", _campaign),
    "since": ("since", _instant),
    "until": ("until", _instant),
}
WORDS = tuple(_KEYS)
