"""The state of a run about to be opened, as `open.lua` writes it, and what that finds."""

from __future__ import annotations

import json
from typing import NamedTuple

from preflight.changes import Changes
from preflight.engine import answers
from preflight.engine.keys import Keys
from preflight.engine.messages import LIMIT_GRACE_SECONDS
from preflight.engine.plan import Plan, PlannedCheck
from preflight.types import BLOCKING_STATUSES, Severity

STATE_VERSION = 1

#: Made once: `json.dumps` makes an encoder for every call with separators.
_compact = json.JSONEncoder(separators=(",", ":")).encode


class Opening(NamedTuple):
    """What `open` found: the instant on Redis' clock in ms (0: aborted before it was opened), and live workers.

    `unsent` says why the first tier could not be published; it is empty when nothing was left to publish.
    `changes`: nothing was opened, since operators have changed what the run's planner did not know.
    """

    opened_ms: int
    alive: int
    unsent: str = ""
    changes: Changes | None = None


def opening_fields(
    plan: Plan, template: str, keys: Keys, *, inbox: str = "", task_id: str = ""
) -> list[str | int | float]:
    """Return the state of a run about to be opened, as the flat list of fields and values that HSET takes."""
    request, tiers = plan.request, plan.tiers
    queue = keys.full_queue if plan.context.mode == "full" else keys.light_queue
    fields: dict[str, str | int | float] = {
        "v": STATE_VERSION,
        "kind": kind_of(plan),
        "policy": request.short_circuit,
        "queue": queue,
        "template": template,
        "inbox": inbox,
        "task": task_id,
        "context": _compact(plan.context.to_json()),
        "plan": _compact([check.to_json() for check in plan.checks]),
        "timeout": plan.timeout,
        "tiers": len(tiers),
        "settings": plan.version,
    }
    if advisory := [check.name for check in plan.checks if check.severity is Severity.ADVISORY]:
        fields["advisory"] = f" {' '.join(advisory)} "
    for index, tier in enumerate(tiers):
        fields[f"t:{index}"] = " ".join(f"{check.name}|{_limit(check)}" for check in tier)
        for check in tier:
            fields |= _check_fields(check)
    return [item for pair in fields.items() for item in pair]


def _check_fields(check: PlannedCheck) -> dict[str, str | int]:
    if check.answer is not None:
        return {f"a:{check.name}": answers.encode(check.answer), f"s:{check.name}": "d"}
    asked = {"timeout": check.timeout, "params": check.params, "severity": check.severity}
    fields: dict[str, str | int] = {
        f"c:{check.name}": _compact(asked),
        f"x:{check.name}": round(check.timeout * 1000),
    }
    if check.cache_key:
        advisory = int(check.severity is Severity.ADVISORY)
        fields[f"k:{check.name}"] = f"{check.cache_key} {check.cache_ttl_ms} {check.max_age_ms} {advisory}"
    return fields


def _limit(check: PlannedCheck) -> str | float:
    if check.answer is None:
        return limit_of(check)
    if check.blocks:
        return "!"
    return "-" if check.answer["status"] in BLOCKING_STATUSES else "."


def limit_of(check: PlannedCheck) -> float:
    """Return the seconds after which the pool kills the process that still runs the check."""
    return check.timeout + LIMIT_GRACE_SECONDS


def kind_of(plan: Plan) -> str:
    """Return what a run is counted as: mode, event type, whether that is known, whether it must find a live worker."""
    wants_worker = any(check.name == "workers" and check.severity is Severity.BLOCKING for check in plan.checks)
    return f"{plan.context.mode} {plan.context.event_type} {int(plan.known_event)} {int(wants_worker)}"
