"""From the arguments of a run and the registry to tiers of checks. Pure: no I/O."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Self

from preflight.adjustment import parameters_in
from preflight.changes import UNCHANGED, Changes
from preflight.context import CheckContext, RunRequest
from preflight.declaration import PreFlightCheck
from preflight.engine import answers
from preflight.engine.cache import cache_key
from preflight.exceptions import InvalidChange, InvalidRun, UnknownEventType
from preflight.in_force import in_force
from preflight.parameters import with_parameters
from preflight.registry import PreFlightRegistry
from preflight.settings import Settings
from preflight.types import BLOCKING_STATUSES, SELF_ANSWERED, CheckResult, Severity

#: Why a check is skipped that an operator has disabled, before its run or while it goes on.
DISABLED = "disabled by an operator"


@dataclasses.dataclass(frozen=True, kw_only=True)
class PlannedCheck:
    """A check as one run will ask it. `answer` is set when planning itself answered: skipped, or in error."""

    name: str
    priority: int
    timeout: float
    severity: Severity
    may_be_slow: bool = False
    params: dict[str, Any] = dataclasses.field(default_factory=dict)
    remediation: str | None = None
    cache_key: str | None = None
    cache_ttl_ms: int = 0
    max_age_ms: int = 0
    answer: dict[str, Any] | None = None

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Build the check from what the state keeps; what a newer version added is ignored."""
        known = {key: value for key, value in data.items() if key in cls.__dataclass_fields__}
        return cls(**known | {"severity": Severity(data["severity"])})

    @property
    def blocks(self) -> bool:
        """True when the answer that planning gave blocks."""
        return (
            self.answer is not None
            and self.severity is not Severity.ADVISORY
            and self.answer["status"] in BLOCKING_STATUSES
        )

    def to_json(self) -> dict[str, Any]:
        """Return what the run's state keeps of the check."""
        return dict(vars(self))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run asks, tier by tier, and how long it may take (seconds, from its opening).

    `version` is that of the operators' changes it was made with; `again` makes it with others.
    `known_event`: a check or a setting names the run's event type; other ones are counted together beyond a few.
    """

    request: RunRequest
    checks: tuple[PlannedCheck, ...]
    timeout: float
    version: int
    again: Callable[[Changes], Plan] = dataclasses.field(compare=False, repr=False)
    known_event: bool = True

    @property
    def context(self) -> CheckContext:
        """What the checks may know of the run."""
        return self.request.context

    @property
    def tiers(self) -> list[list[PlannedCheck]]:
        """The checks that need a worker or were answered at planning, by priority; self-answered ones are left out."""
        sent = [check for check in self.checks if check.name not in SELF_ANSWERED]
        return [list(tier) for _, tier in itertools.groupby(sent, key=lambda check: check.priority)]


def plan(request: RunRequest, registry: PreFlightRegistry, settings: Settings, changes: Changes = UNCHANGED) -> Plan:
    """Choose and prepare the checks of a run as operators have changed them.

    Raises `InvalidRun` for names and parameters that fit nothing.
    """
    known = _known_event(request.context, registry, settings)
    for name in (*request.only, *request.exclude, *request.params, *sorted(registry.required_for(request.context))):
        registry.get(name)
    chosen = [check for check in registry.for_run(request.context) if _chosen(check, request, settings)]
    if not chosen:
        raise InvalidRun(
            f"No check applies to a {request.context.mode} run of {request.context.event_type!r} with this selection."
            " See `preflight checks`."
        )
    checks = tuple(_planned(check, request, registry, changes) for check in chosen)
    return Plan(
        request=request,
        checks=checks,
        timeout=request.timeout or default_timeout(checks, settings),
        version=changes.version,
        again=functools.partial(plan, request, registry, settings),
        known_event=known,
    )


def _known_event(context: CheckContext, registry: PreFlightRegistry, settings: Settings) -> bool:
    """Return whether anybody names the event type; a full run of another one is refused."""
    known = registry.event_types() | set(settings.event_types) | {"health_sweep"}
    if context.mode == "full" and context.event_type not in known:
        raise UnknownEventType(context.event_type, known)
    return context.event_type in known


def _chosen(check: PreFlightCheck, request: RunRequest, settings: Settings) -> bool:
    if request.context.mode == "light" and check.priority > settings.light_max_priority:
        return False
    return (not request.only or check.name in request.only) and check.name not in request.exclude


def _planned(check: PreFlightCheck, request: RunRequest, registry: PreFlightRegistry, changes: Changes) -> PlannedCheck:
    given = request.params.get(check.name, {})
    with_parameters(check.name, check, given)  # a wrong value is refused here, before anything happens
    values, answer = changes.values(check.name), None
    try:
        check = in_force(registry, check.name, values) if values else check
    except InvalidChange as error:  # made for another version of the check than this process has
        values, answer = {}, _unfit(check, error, disabled=values.get("enabled") is False)
    params = {**parameters_in(values), **given}
    key, ttl_ms = cache_key(check, params, request.context, changes.revision(check.name))
    return PlannedCheck(
        name=check.name,
        priority=check.priority,
        timeout=float(check.timeout),
        severity=Severity(check.severity),
        may_be_slow=check.may_be_slow,
        params=params,
        remediation=check.default_remediation,
        cache_key=key,
        cache_ttl_ms=ttl_ms,
        max_age_ms=ttl_ms if request.max_age is None else min(ttl_ms, round(request.max_age * 1000)),
        answer=answer or _answered_at_planning(check, request.context, "enabled" in values),
    )


def _unfit(check: PreFlightCheck, error: InvalidChange, *, disabled: bool) -> dict[str, Any]:
    if disabled:
        return answers.answer(CheckResult.skipped(DISABLED))
    advice = f"Take the change back, `preflight checks reset {check.name} --why ...`, or run one version everywhere."
    return answers.answer(CheckResult.errored(f"what an operator changed does not fit it: {error}", remediation=advice))


def _answered_at_planning(check: PreFlightCheck, context: CheckContext, by_operator: bool) -> dict[str, Any] | None:
    if not check.enabled:
        return answers.answer(CheckResult.skipped(DISABLED if by_operator else "disabled where the run was planned"))
    missing = [name for name in check.requires if not _has(context, name)]
    if missing:
        return _missing(check, context, missing)
    try:
        applies = check.applies_to(context)
    except Exception as error:
        return answers.answer_from_exception(error)
    if applies is True or applies is None:
        return None
    reason = applies if isinstance(applies, str) else "it does not apply to this run"
    return answers.answer(CheckResult.skipped(reason))


def _has(context: CheckContext, name: str) -> bool:
    value = getattr(context, name, None) if name in CheckContext.__dataclass_fields__ else context.metadata.get(name)
    return value is not None and value != ()


def _missing(check: PreFlightCheck, context: CheckContext, missing: Iterable[str]) -> dict[str, Any]:
    names = ", ".join(missing)
    if context.mode == "light":
        return answers.answer(CheckResult.skipped(f"the run has no {names}"))
    text = f"the run has no {names}"
    advice = f"Pass {names} to the run: {check.name} cannot be asked without."
    return answers.answer(CheckResult.errored(text, remediation=advice))


def default_timeout(checks: Sequence[PlannedCheck], settings: Settings) -> float:
    """Return a run's deadline in seconds: every tier's longest timeout times the rounds it needs, and the queue."""
    total = settings.queue_allowance
    for _, tier in itertools.groupby(checks, key=lambda check: check.priority):
        timeouts = [check.timeout for check in tier if check.answer is None and check.name not in SELF_ANSWERED]
        total += max(timeouts, default=0.0) * math.ceil(len(timeouts) / settings.concurrency)
    return total
