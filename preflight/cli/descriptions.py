"""Everything that a check declares, as JSON, as a page for a person, and as Markdown."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from preflight.cli.formats import cell
from preflight.cli.terminal import wrapped
from preflight.cli.text import plain
from preflight.declaration import PreFlightCheck, definition_of, source_of
from preflight.parameters import Parameter, parameters

if TYPE_CHECKING:
    from preflight.in_force import InForce
    from preflight.registry import BrokenSource

_LABEL = 12


def describe(declared: PreFlightCheck, now: InForce | None = None) -> dict[str, Any]:
    """Return a check as a JSON object. Times are in seconds; `event_types` null means all.

    With `now` its values are those in force, and `sources` says who has the say in each: "code", "environment",
    "operator".
    """
    check, sources = (now.check, {one.key: one.source for one in now.values}) if now else (declared, {})
    summary, _, rest = _documentation(check).partition("\n")
    return {
        "name": check.name,
        "enabled": check.enabled,
        "priority": check.priority,
        "summary": summary,
        "description": rest.strip(),
        "event_types": None if check.event_types is None else sorted(check.event_types),
        "requires": list(check.requires),
        "timeout": check.timeout,
        "severity": str(check.severity),
        "cache_ttl": check.cache_ttl,
        "cache_scope": _scope(check),
        "may_be_slow": check.may_be_slow,
        "parameters": [_parameter(one, now) for one in parameters(declared)],
        "remediation": check.default_remediation,
        "registered": _registered(check),
        "permissions": check.permissions,
        "answers": [example.shown() for example in check.examples],
        "source": source_of(check),
        "sources": sources,
        "revision": now.revision if now else 0,
        "problem": now.problem if now else "",
    }


def _parameter(one: Parameter, now: InForce | None) -> dict[str, Any]:
    values = {value.key: {"value": value.value, "source": value.source} for value in now.values} if now else {}
    return dataclasses.asdict(one) | values.get(one.name, {})


def _documentation(check: PreFlightCheck) -> str:
    definition = definition_of(check)
    text = definition.__doc__ or ""
    # A dataclass without a docstring gets its signature for one.
    return "" if text.startswith(f"{definition.__name__}(") else inspect.cleandoc(text)


def _registered(check: PreFlightCheck) -> str:
    """Return what is registered of a check, and when, as its `from_settings` tells it."""
    inherited = type(check).from_settings.__func__ is PreFlightCheck.from_settings.__func__  # type: ignore[attr-defined]
    return "Always." if inherited else inspect.cleandoc(type(check).from_settings.__doc__ or "")


def _scope(check: PreFlightCheck) -> str | None:
    scope = check.cache_scope
    return "a function of the context" if callable(scope) else scope


def events_of(description: dict[str, Any]) -> str:
    """Return the event types that a check is asked for, in words."""
    events = description["event_types"]
    return "all" if events is None else ", ".join(events) or "none"


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
    yield "asked for", "all event types" if description["event_types"] is None else events_of(description)
    yield "requires", ", ".join(description["requires"]) or "nothing"
    slow = ", may be slow" if description["may_be_slow"] else ""
    cache = _cache(description) if description["cache_ttl"] else "none: asked in every run"
    yield "timeout", f"{description['timeout']:g} s{slow}{_by(description, 'timeout')}"
    yield "severity", f"{description['severity']}: {blocks}{_by(description, 'severity')}"
    yield "cache", cache + _by(description, "cache_ttl")
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
    lines = ["| tier | check | asks | event types | timeout | notes |", "| ---: | --- | --- | --- | ---: | --- |"]
    for one in described:
        values = (one["name"], one["summary"], events_of(one), f"{one['timeout']:g} s", notes_of(one))
        lines.append(f"| {one['priority']} | {' | '.join(cell(value) for value in values)} |")
    unusable = [f"- {cell(place.source)}: {cell(place.error)}" for place in broken]
    if unusable:
        lines += ["", "Sources that could not be used:", "", *unusable]
    return "\n".join(lines)
