"""What a check must declare to be registered, and what the registry says when it does not."""

from __future__ import annotations

import dataclasses
import math
import pathlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight import CheckContext, CheckResult, PreFlightCheck, PreFlightRegistry, check
from preflight.context import shown
from preflight.exceptions import InvalidCheck
from preflight.validation import NAME


class Passes(PreFlightCheck):
    """A check whose fields a test may set."""

    def __init__(self, **fields: Any) -> None:
        self.name = "passes"
        for name, value in fields.items():
            setattr(self, name, value)

    def execute(self, context: CheckContext) -> CheckResult:
        """Answer yes."""
        return CheckResult.passed()


def refusal(made: Any) -> str:
    """Return why the registry refuses; one short line, and nothing was registered."""
    registry = PreFlightRegistry()
    with pytest.raises(InvalidCheck) as caught:
        registry.register(made)
    text = str(caught.value)
    assert len(registry) == 0
    assert "\n" not in text
    assert len(text) < 500
    return text


@pytest.mark.parametrize(
    "name",
    ["", None, 5, b"redis", "a" * 65, "Redis", "1st", "_x", "redis\n", "a\x00b", "<b>", 'a"b', "{a}", "a b",
     "\U0001f680", "r\u0435dis", ["redis"], "x" * 1_000_000],
    ids=shown,
)  # fmt: skip
def test_a_name_of_another_form_is_refused_with_the_file(name):
    """Look-alikes, markup and control characters are no names."""
    text = refusal(Passes(name=name))

    assert "test_registering.py:" in text
    assert "its name must be 1 to 64 lower-case letters, digits and underscores" in text


@given(st.from_regex(NAME, fullmatch=True), st.integers(0, 1000), st.floats(0.001, 600))
def test_every_declaration_within_the_rules_is_registered(name, priority, timeout):
    """What the rules allow is taken and given back."""
    registry = PreFlightRegistry()
    made = Passes(name=name, priority=priority, timeout=timeout)

    assert registry.register(made) is made
    assert registry.get(name) is made


@given(st.text())
def test_a_name_is_taken_exactly_when_it_has_the_form(name):
    """Of any text, only the documented form passes."""
    fits = 1 <= len(name) <= 64 and set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789_") and name[0].isalpha()
    registry = PreFlightRegistry()
    try:
        registry.register(Passes(name=name))
    except InvalidCheck:
        assert not fits
    else:
        assert fits


@pytest.mark.parametrize("priority", [-1, 1001, 10**9, 10**5000, 1.0, True, math.nan, "0", None], ids=shown)
def test_a_priority_outside_the_range_is_refused(priority):
    """Whole numbers from 0 to 1000, and True is not 1."""
    assert "its priority must be a whole number from 0 to 1000" in refusal(Passes(priority=priority))


@pytest.mark.parametrize("timeout", [0, -1, math.inf, math.nan, 601, 10**400, "5", None, True], ids=shown)
def test_a_timeout_that_is_no_time_is_refused(timeout):
    """Seconds, more than 0 and bounded."""
    assert "its timeout must be seconds, more than 0 and at most 600" in refusal(Passes(timeout=timeout))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"event_types": "poll_launch"}, "its event_types must be a list"),
        ({"event_types": ()}, "its event_types must be a list of event types or None for all"),
        ({"event_types": iter(("poll_launch",))}, "its event_types must be a list"),
        ({"event_types": ("Poll",)}, "its event type 'Poll' is not 1 to 50"),
        ({"event_types": ("a" * 51,)}, "is not 1 to 50"),
        ({"event_types": (None,)}, "its event type None"),
        ({"requires": "campaign_id"}, "its requires must be a tuple of input names"),
        ({"requires": ("",)}, "its requires must be a tuple"),
        ({"severity": "fatal"}, "its severity must be 'blocking' or 'advisory', not 'fatal'"),
        ({"severity": []}, "its severity must be"),
        ({"cache_scope": "global"}, "it has a cache_scope and no cache_ttl"),
        ({"cache_ttl": 0, "cache_scope": "global"}, "its cache_ttl must be seconds"),
        ({"cache_ttl": math.nan}, "its cache_ttl must be seconds"),
        ({"cache_ttl": 10**400}, "its cache_ttl must be seconds"),
        ({"cache_ttl": 5, "cache_scope": "planet"}, "its cache_scope must be 'global', 'campaign' or a function"),
        ({"execute": None}, "it needs a method execute(self, context)"),
        ({"execute": lambda: None}, "its execute must take one argument, the context"),
        ({"applies_to": None}, "its applies_to must be an ordinary method"),
    ],
)
def test_each_wrong_declaration_says_what_is_allowed(fields, says):
    """One rule, one sentence."""
    assert says in refusal(Passes(**fields))


def test_a_check_without_a_question_is_refused():
    """A class that only inherits execute would never answer."""

    class Silent(PreFlightCheck):
        name = "silent"

    assert "it needs a method execute(self, context)" in refusal(Silent)


def test_a_generator_is_refused():
    """`yield` makes an object that is no answer; method and function alike."""

    class Yields(PreFlightCheck):
        name = "yields"

        def execute(self, context: CheckContext) -> Any:
            yield CheckResult.passed()

    def yields(context: CheckContext) -> Any:
        yield CheckResult.passed()

    assert "replace yield by return" in refusal(Yields)
    with pytest.raises(InvalidCheck, match="replace yield by return"):
        check(name="yields", priority=0, registry=PreFlightRegistry())(yields)


def test_an_async_applies_to_is_refused():
    """A coroutine is true whatever it would answer."""

    class Conditional(Passes):
        async def applies_to(self, context: CheckContext) -> bool:  # type: ignore[override]
            return False

    assert "its applies_to must be an ordinary method" in refusal(Conditional())


@pytest.mark.parametrize("made", [None, 5, "redis", {"name": "redis"}, object(), int])
def test_what_is_no_check_is_refused(made):
    """A handler of the wrong shape is named by its type."""
    assert "not a PreFlightCheck" in refusal(made)


def test_a_class_stands_for_its_instance_if_it_needs_no_arguments():
    """`register(DiskCheck)` is as good as `register(DiskCheck())`."""
    registry = PreFlightRegistry()

    assert registry.register(Passes) is Passes
    assert isinstance(registry.get("passes"), Passes)


def test_a_class_that_needs_arguments_says_so():
    """An instance has to be registered then."""

    @dataclasses.dataclass(frozen=True)
    class Needs(Passes):
        path: pathlib.Path

    assert "cannot be made without arguments" in refusal(Needs)
    assert "register an instance of it" in refusal(Needs)


def test_a_class_whose_constructor_fails_is_refused_without_its_secret():
    """Whatever it raises, it is one redacted line."""

    class Fails(Passes):
        def __init__(self) -> None:
            raise OSError("postgresql://u:hunter2@h/d\nis away")

    text = refusal(Fails)
    assert "OSError: postgresql://u:***@h/d is away" in text


def test_a_function_becomes_a_check():
    """`@check` registers at once, and the function stays callable."""
    registry = PreFlightRegistry()

    @check(name="stock", priority=20, event_types=["sale"], registry=registry)
    def stock(context: CheckContext) -> CheckResult:
        return CheckResult.passed("12 left")

    context = CheckContext(mode="full", event_type="sale")
    assert registry.get("stock") is stock
    assert registry.event_types() == {"sale"}
    assert stock(context) == stock.execute(context) == CheckResult.passed("12 left")


def test_an_unknown_declaration_of_a_function_offers_the_nearest():
    """`timout=` is a typing error."""
    with pytest.raises(InvalidCheck, match=r"takes no 'timout'\. Did you mean timeout\?"):
        check(name="stock", priority=20, registry=PreFlightRegistry(), timout=5)(lambda context: CheckResult())


@pytest.mark.parametrize("function", [5, None, lambda: None])
def test_a_decorated_thing_that_takes_no_context_is_refused(function):
    """The function must take the context."""
    with pytest.raises(InvalidCheck, match="execute"):
        check(name="stock", priority=20, registry=PreFlightRegistry())(function)
