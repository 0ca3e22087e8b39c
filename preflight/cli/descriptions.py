"""What a check declares, as a page for a person and as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from preflight.cli.formats import cell
from preflight.cli.terminal import wrapped
from preflight.cli.text import plain
from preflight.description import describe, events_of, runs_of

if TYPE_CHECKING:
    from preflight.sources import BrokenSource

__all__ = ["describe", "events_of", "notes_of", "page", "table"]

_LABEL = 12


def notes_of(description: dict[str, Any]) -> str:
    """Return what is special about a check: that it never blocks, that its answers are kept."""
    notes = [] if description["enabled"] else ["disabled"]
    notes += ["advisory"] if description["severity"] == "advisory" else []
    notes += ["changed by an operator"] if "operator" in description["sources"].values() else []
    return ", ".join(notes + ([f"cached {_cache(description)}"] if description["cache_ttl"] else []))


def _cache(description: dict[str, Any]) -> str:
    scope = description["cache_scope"]
    return f"{description['cache_ttl']:g} s" + (f" ({scope})" if scope else "")


def facts_of(description: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what a check declares, each with its label."""
    blocks = "a failure is NO-GO" if description["severity"] == "blocking" else "a failure is shown and stops nothing"
    if description["problem"]:
        yield "problem", f"an error in every run, since what an operator changed does not fit: {description['problem']}"
    if not description["enabled"] or "enabled" in _changed(description):
        yield "enabled", ("yes" if description["enabled"] else "no: skipped in every run") + _by(description, "enabled")
    yield "tier", str(description["priority"])
    yield "asked for", runs_of(description)
    yield "requires", ", ".join(description["requires"]) or "nothing"
    slow = ", may be slow" if description["may_be_slow"] else ""
    cache = _cache(description) if description["cache_ttl"] else "none: asked in every run"
    yield "timeout", f"{description['timeout']:g} s{slow}{_by(description, 'timeout')}"
    yield "severity", f"{description['severity']}: {blocks}{_by(description, 'severity')}"
    yield "cache", cache + _by(description, "cache_ttl")
    if description["permissions"]:
        yield "needs", description["permissions"]
    yield "what to do", description["remediation"] or "said by each answer"
    yield "source", description["source"]


_WHO = {"operator": "set by an operator", "environment": "set by PREFLIGHT_CHECK_SETTINGS"}


def _changed(description: dict[str, Any]) -> set[str]:
    return {key for key, source in description["sources"].items() if source in _WHO}


def _by(description: dict[str, Any], key: str) -> str:
    """Return who has the say in a value, in words; nothing when it is the code."""
    source = description["sources"].get(key)
    return f" ({_WHO[source]})" if source in _WHO else ""


def _assigned(description: dict[str, Any], one: dict[str, Any]) -> str:
    value = one["value"] if one["name"] in _changed(description) else one["default"]
    text = f"{one['name']}: {one['type']} = {value}{_by(description, one['name'])}"
    return f"{text}, {one['meaning']}" if one["meaning"] else text


def page(console: Console, description: dict[str, Any]) -> Iterator[Text]:
    """Yield the lines that show one check to a person."""
    yield Text(plain(description["name"]), style="bold")
    for paragraph in (description["summary"], *description["description"].split("\n\n")):
        yield from wrapped(console, plain(paragraph), console.width) if paragraph else ()
    yield Text("")
    for label, value in facts_of(description):
        yield from _labelled(console, label, value)
    parts = [_assigned(description, one) for one in description["parameters"]]
    for number, value in enumerate(parts or ["none"]):
        yield from _labelled(console, "" if number else "parameters", value)


def _labelled(console: Console, label: str, value: str) -> Iterator[Text]:
    for number, line in enumerate(wrapped(console, plain(value), console.width - _LABEL)):
        yield Text.assemble((f"{'' if number else label:<{_LABEL}}", "dim"), line)


def table(described: Iterable[dict[str, Any]], broken: Iterable[BrokenSource]) -> str:
    """Return all checks as a table of Markdown, and the broken sources below it."""
    lines = ["| tier | check | asks | asked for | timeout | notes |", "| ---: | --- | --- | --- | ---: | --- |"]
    for one in described:
        values = (one["name"], one["summary"], events_of(one), f"{one['timeout']:g} s", notes_of(one))
        lines.append(f"| {one['priority']} | {' | '.join(cell(value) for value in values)} |")
    unusable = [f"- {cell(place.source)}: {cell(place.error)}" for place in broken]
    if unusable:
        lines += ["", "Sources that could not be used:", "", *unusable]
    return "\n".join(lines)
