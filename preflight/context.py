"""What a run is about, validated where it enters: every wrong argument is one `InvalidRun` that names it."""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
import reprlib
from collections.abc import Iterable, Mapping
from typing import Any, Self, TypedDict
from uuid import UUID

from preflight.exceptions import InvalidRun, nearest
from preflight.redaction import redact
from preflight.types import MODES, SHORT_CIRCUITS, Mode, ShortCircuit

EVENT_TYPE = re.compile(r"[a-z][a-z0-9_]{0,49}", re.ASCII)
STREAMER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}", re.ASCII)
MAX_STREAMERS = 1000
#: Items of a list that are looked at, repetitions included: an iterator may never end.
MAX_REPEATED = 10_000
MAX_CONTEXT_BYTES = 32 * 1024
MAX_DEPTH = 32
MAX_TIMEOUT_SECONDS = 3600.0

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 1000


class RunDetails(TypedDict, total=False):
    """The optional arguments of a run, as `run`, `arun` and the task `preflight.run` take them."""

    campaign_id: UUID | str | None
    streamer_ids: Iterable[str | UUID]
    triggered_by: UUID | str | None
    metadata: Mapping[str, Any] | None
    params: Mapping[str, Mapping[str, Any]] | None
    timeout: float | None
    short_circuit: ShortCircuit
    max_age: float | None
    only: Iterable[str]
    exclude: Iterable[str]


@dataclasses.dataclass(frozen=True, kw_only=True)
class CheckContext:
    """What a check may know of the run that asks it. Immutable; metadata is the caller's JSON object."""

    mode: Mode
    event_type: str
    campaign_id: UUID | None = None
    streamer_ids: tuple[str, ...] = ()
    triggered_by: UUID | None = None
    metadata: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    run_id: UUID | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that travels to the workers."""
        return {
            "mode": self.mode,
            "event_type": self.event_type,
            "campaign_id": str(self.campaign_id) if self.campaign_id else None,
            "streamer_ids": list(self.streamer_ids),
            "triggered_by": str(self.triggered_by) if self.triggered_by else None,
            "metadata": dict(self.metadata),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], run_id: UUID | None = None) -> Self:
        """Build the context from what `to_json` returned."""
        return cls(
            mode=data["mode"],
            event_type=data["event_type"],
            campaign_id=UUID(data["campaign_id"]) if data["campaign_id"] else None,
            streamer_ids=tuple(data["streamer_ids"]),
            triggered_by=UUID(data["triggered_by"]) if data["triggered_by"] else None,
            metadata=data["metadata"],
            run_id=run_id,
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunRequest:
    """A run's validated arguments: its context, and how it is to be driven."""

    context: CheckContext
    params: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    timeout: float | None = None
    short_circuit: ShortCircuit = "check"
    max_age: float | None = None
    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    @classmethod
    def build(cls, *, mode: str, event_type: str, **details: Any) -> Self:
        """Validate and copy the arguments of a run; raise `InvalidRun` naming the first wrong one."""
        unknown = details.keys() - RunDetails.__annotations__.keys()
        if unknown:
            name = min(unknown)
            raise InvalidRun(f"run() takes no argument {name!r}.{nearest(name, RunDetails.__annotations__)}")
        context = CheckContext(
            mode=_mode(mode),
            event_type=_event_type(event_type),
            campaign_id=_uuid("campaign_id", details.get("campaign_id")),
            streamer_ids=_streamer_ids(details.get("streamer_ids", ())),
            triggered_by=_uuid("triggered_by", details.get("triggered_by")),
            metadata=_json_object("metadata", details.get("metadata")),
        )
        return cls(
            context=context,
            params=_params(details.get("params")),
            timeout=_timeout(details.get("timeout")),
            short_circuit=_short_circuit(details.get("short_circuit", "check")),
            max_age=_max_age(details.get("max_age")),
            only=_names("only", details.get("only", ())),
            exclude=_names("exclude", details.get("exclude", ())),
        )


def shown(value: object) -> str:
    """Return a value as it may stand in an error's text: short, on one line, redacted.

    Costs little whatever the value is: 50 MB of text, a list in itself, a `__repr__` that raises.
    """
    try:
        text = _SHORT.repr(value)
    except Exception:
        text = f"<{type(value).__name__}>"
    # Redacted before it is cut: a password loses the '@' that gives it away.
    text = redact(" ".join(text[:2000].split()))
    return text if len(text) <= 60 else text[:57] + "..."


def _mode(value: object) -> Mode:
    for mode in MODES:
        if value == mode:
            return mode
    raise InvalidRun(f"mode must be 'full' or 'light', not {shown(value)}.")


def _short_circuit(value: object) -> ShortCircuit:
    for policy in SHORT_CIRCUITS:
        if value == policy:
            return policy
    raise InvalidRun(f"short_circuit must be 'check', 'tier' or 'never', not {shown(value)}.")


def _event_type(value: object) -> str:
    if isinstance(value, str) and EVENT_TYPE.fullmatch(value):
        return value
    raise InvalidRun(
        f"event_type must be 1 to 50 lower-case letters, digits and underscores, starting with a letter, not"
        f" {shown(value)}."
    )


def _uuid(name: str, value: object) -> UUID | None:
    if value is None or isinstance(value, UUID):
        return value
    try:
        # UUID() also takes braces, stray hyphens and foreign digits; only the canonical form is one id everywhere.
        if isinstance(value, str) and len(value) == 36 and str(UUID(value)) == value.lower():
            return UUID(value)
    except ValueError:
        pass
    raise InvalidRun(f"{name} must be a UUID such as 018f4c1e-0000-7000-8000-000000000001, not {shown(value)}.")


def _streamer_ids(value: object) -> tuple[str, ...]:
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise InvalidRun(f"streamer_ids must be a list of ids, not {shown(value)}.")
    ids: dict[str, None] = {}
    for item in _items("streamer_ids", value, MAX_REPEATED):
        text = str(item) if isinstance(item, UUID) else item
        if not (isinstance(text, str) and STREAMER_ID.fullmatch(text)):
            raise InvalidRun(
                f"streamer_ids must hold ids of 1 to 64 letters, digits, '_', '.', ':' and '-', not {shown(item)}."
            )
        ids[text] = None
        if len(ids) > MAX_STREAMERS:
            raise InvalidRun(f"streamer_ids may hold at most {MAX_STREAMERS} ids.")
    return tuple(ids)


def _items(argument: str, value: Iterable[Any], limit: int) -> tuple[Any, ...]:
    try:
        items = tuple(itertools.islice(value, limit + 1))
    except Exception as error:
        raise InvalidRun(f"{argument} cannot be read: {shown(str(error))}.") from None
    if len(items) > limit:
        raise InvalidRun(f"{argument} may hold at most {limit} items.")
    return items


def _json_object(name: str, value: object) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidRun(f"{name} must be a JSON object, not {shown(value)}.")
    try:
        text = json.dumps(dict(value), allow_nan=False, ensure_ascii=False).encode()
    except Exception as error:  # a caller's mapping may raise anything
        raise InvalidRun(f"{name} must be JSON: {shown(str(error))}.") from None
    if len(text) > MAX_CONTEXT_BYTES:
        raise InvalidRun(f"{name} is {len(text)} bytes of JSON; at most {MAX_CONTEXT_BYTES} are allowed.")
    copy: dict[str, Any] = json.loads(text)
    if depth_of(copy) > MAX_DEPTH:
        raise InvalidRun(f"{name} is nested deeper than {MAX_DEPTH} levels.")
    return copy


def depth_of(value: object, limit: int = MAX_DEPTH + 1) -> int:
    """Return how deep a JSON value is nested, never looking deeper than `limit`."""
    depth, level = 0, [value]
    while depth < limit and (containers := [item for item in level if isinstance(item, dict | list)]):
        level = [inner for item in containers for inner in (item.values() if isinstance(item, dict) else item)]
        depth += 1
    return depth


def _params(value: object) -> dict[str, dict[str, Any]]:
    params = _json_object("params", value)
    for name, values in params.items():
        if not isinstance(values, dict):
            raise InvalidRun(f"params[{shown(name)}] must be an object of the check's parameters, not {shown(values)}.")
    return params


def _timeout(value: Any) -> float | None:
    if value is None:
        return None
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    if numeric and 0 < value <= MAX_TIMEOUT_SECONDS:
        return float(value)
    raise InvalidRun(f"timeout must be seconds, more than 0 and at most {MAX_TIMEOUT_SECONDS:g}, not {shown(value)}.")


def _max_age(value: Any) -> float | None:
    if value is None:
        return None
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    if numeric and 0 <= value <= MAX_TIMEOUT_SECONDS * 24:
        return float(value)
    raise InvalidRun(f"max_age must be seconds from 0 (no cached answer) to 86400, not {shown(value)}.")


def _names(argument: str, value: object) -> tuple[str, ...]:
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise InvalidRun(f"{argument} must be a list of check names, not {shown(value)}.")
    names = _items(argument, value, MAX_REPEATED)
    for name in names:
        if not isinstance(name, str):
            raise InvalidRun(f"{argument} must hold names of checks, not {shown(name)}.")
    return names
