"""Handlers: their checks, for whose runs these are, and what they require."""

from __future__ import annotations

import dataclasses

import pytest

from preflight import CheckContext, CheckResult, PreFlightCheck, PreFlightRegistry
from preflight.context import RunRequest
from preflight.engine.plan import plan
from preflight.exceptions import InvalidCheck, UnknownCheck, UnknownEventType
from preflight.handlers import HandlerRegistry
from preflight.settings import load


class Own(PreFlightCheck):
    """A check that does not name itself."""

    priority = 15

    def execute(self, context: CheckContext) -> CheckResult:
        return CheckResult.passed()


class Elsewhere(Own):
    """A check of other event types."""

    name = "elsewhere"
    event_types = ("sale",)


class Everywhere(Own):
    """A check of all event types."""

    name = "everywhere"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Frozen(Own):
    """A check that takes no attributes."""

    name: str = ""
    most: int = 3


def handler(kind, name, make=None, requires=()):
    """Return a handler of a type, with what makes its check and what it requires."""
    body = {f"{kind}_type": name, "requires": requires}
    if make is not None:
        body["preflight_check"] = lambda self: make()
    return type("Handler", (), body)


def collected(*handlers, kind="trigger"):
    """Return a registry with two ordinary checks that has collected handlers."""
    registry, found = PreFlightRegistry(), HandlerRegistry(kind)
    for one in (Elsewhere, Everywhere):
        registry.register(one)
    for one in handlers:
        found.register(one)
    registry.collect(found)
    return registry


def asked(registry, event_type, mode="full", **details):
    """Return the names of the checks that a run would ask."""
    request = RunRequest.build(mode=mode, event_type=event_type, **details)
    return [check.name for check in plan(request, registry, load({"event_types": "known"})).checks]


@pytest.mark.parametrize("kind", ["trigger", "action"])
@pytest.mark.parametrize("check", [Own, Frozen, lambda: Own])
def test_a_check_without_a_name_is_called_after_its_handler(kind, check):
    """It is registered under that name, and keeps its parameters."""
    registry = collected(handler(kind, "critical", check), kind=kind)

    assert f"handler_{kind}_critical" in registry
    assert registry.broken == []


def test_the_object_that_a_handler_returns_is_left_as_it_is():
    """Who returns the same check twice finds it unchanged."""
    own = Own()
    collected(handler("trigger", "critical", lambda: own))

    assert own.name == ""


def test_a_check_that_names_itself_keeps_its_name():
    """The handler's type is no part of it."""
    named = type("Named", (Own,), {"name": "critical_connection"})

    assert "critical_connection" in collected(handler("trigger", "critical", named))


@pytest.mark.parametrize(
    ("event_type", "metadata", "expected"),
    [
        ("critical", {}, True),
        ("known", {"handler": "critical"}, True),
        ("known", {}, False),
        ("known", {"handler": "other"}, False),
        ("known", {"handler": ["critical"]}, False),
        ("known", {"handler": None}, False),
        ("known", {"trigger": "critical"}, False),
    ],
)
def test_a_handler_s_check_is_asked_in_its_runs_only(event_type, metadata, expected):
    """The type is the run's event type, or what its metadata call the handler."""
    registry = collected(handler("trigger", "critical", Own))

    assert ("handler_trigger_critical" in asked(registry, event_type, metadata=metadata)) is expected


def test_event_types_of_a_handler_s_check_count_too():
    """A check may be for some runs of its handler."""
    picky = type("Picky", (Own,), {"event_types": ("sale",)})
    registry = collected(handler("trigger", "critical", picky))

    assert "handler_trigger_critical" in asked(registry, "sale", metadata={"handler": "critical"})
    assert "handler_trigger_critical" not in asked(registry, "known", metadata={"handler": "critical"})


def test_what_a_handler_requires_is_asked_in_its_runs_whatever_its_event_types():
    """In other runs nothing changes, and who excludes it still does."""
    registry = collected(handler("action", "change", requires=("elsewhere",)), kind="action")

    assert asked(registry, "change") == ["elsewhere", "everywhere"]
    assert asked(registry, "known", metadata={"handler": "change"}) == ["elsewhere", "everywhere"]
    assert asked(registry, "known") == ["everywhere"]
    assert asked(registry, "change", exclude=["elsewhere"]) == ["everywhere"]


def test_a_light_run_still_stops_at_its_priority():
    """What is required is no way round it."""
    registry = collected(handler("action", "change", requires=("elsewhere",)), kind="action")
    registry.register(type("Early", (Own,), {"name": "early", "priority": 1}))

    assert asked(registry, "change", mode="light") == ["early"]


def test_a_handler_may_require_the_check_of_another():
    """Whoever comes first: what is required is looked for when all have registered theirs."""
    registry = collected(handler("trigger", "a", requires=("handler_trigger_b",)), handler("trigger", "b", Own))

    assert registry.broken == []
    assert "handler_trigger_b" in asked(registry, "a")


def test_a_requirement_that_nobody_has_is_told_and_closes_the_gate():
    """At start-up it is among the broken sources with the nearest names; a run for the handler is refused."""
    registry = collected(handler("action", "change", requires=("elswhere",)), kind="action")

    (broken,) = registry.broken
    assert broken.source.startswith("action change (")
    assert "It requires the check 'elswhere', which is not registered. Did you mean elsewhere" in broken.error
    with pytest.raises(UnknownCheck, match="elswhere"):
        asked(registry, "change")
    assert asked(registry, "known") == ["everywhere"]


def _raising():
    raise OSError("postgresql://u:hunter2@h/d\nis away")


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (_raising, "OSError: postgresql://u:***@h/d is away"),
        (lambda: {"name": "x"}, "it is a dict, not a PreFlightCheck"),
        (type("Taken", (Own,), {"name": "elsewhere"}), "Two checks are called 'elsewhere'"),
        (type("Bad", (Own,), {"name": "Bad"}), "its name must be 1 to 64 lower-case letters"),
    ],
)
def test_a_handler_whose_check_is_wrong_leaves_the_others_alone(make, error):
    """It is told by kind, type and place, in one redacted line."""
    registry = collected(handler("trigger", "wrong", make), handler("trigger", "good", Own))

    (broken,) = registry.broken
    assert broken.source.startswith("trigger wrong (")
    assert error in broken.error
    assert "handler_trigger_good" in registry


def test_a_handler_without_a_check_is_known_all_the_same():
    """Its type is an event type; a typing error of it is none."""
    registry = collected(handler("trigger", "critical"), handler("trigger", "nothing", lambda: None))

    assert registry.broken == []
    assert asked(registry, "critical") == asked(registry, "nothing") == ["everywhere"]
    with pytest.raises(UnknownEventType, match="Did you mean critical"):
        asked(registry, "critcal")


@pytest.mark.parametrize("wrong", [None, "", "Critical", "a" * 51, "x\n", 5, ["x"]])
def test_a_type_must_be_an_event_type(wrong):
    """The kind, the place and what is allowed are named."""
    with pytest.raises(InvalidCheck, match=r"The action at .* needs as its action_type 1 to 50 lower-case letters"):
        HandlerRegistry("action").register(handler("action", wrong))


@pytest.mark.parametrize("wrong", ["elsewhere", 5, None, (5,)])
def test_requirements_must_be_names(wrong):
    """A text alone would be a requirement per letter."""
    with pytest.raises(InvalidCheck, match="must require a tuple of checks' names"):
        HandlerRegistry("action").register(handler("action", "x", requires=wrong))


class First:
    """A handler."""

    trigger_type = "same"


class Second:
    """Another handler of its type."""

    trigger_type = "same"


def test_two_handlers_of_one_type_are_refused():
    """Both places are named; one that is found twice is one."""
    registry = HandlerRegistry("trigger")
    assert registry.register(First) is First
    registry.register(First())

    with pytest.raises(InvalidCheck, match=r"Two handlers are one: trigger same \(.*\) and trigger same \(.*\)"):
        registry.register(Second)
    assert [(one.kind, one.type, type(one.handler)) for one in registry.all()] == [("trigger", "same", First)]


def test_handlers_are_listed_by_type():
    """Whatever the order in which they came."""
    registry = HandlerRegistry("action")
    for name in ("b", "c", "a"):
        registry.register(handler("action", name))

    assert [one.type for one in registry.all()] == ["a", "b", "c"]


def test_discovery_collects_the_handlers_of_the_process():
    """Those that modules registered while they were imported."""
    registry, found = PreFlightRegistry(), HandlerRegistry("trigger")
    found.register(handler("trigger", "critical", Own))

    registry.discover(load({}), (found,))

    assert "handler_trigger_critical" in registry
    assert registry.broken == []
