"""Checks adjusted from outside of their code: by the environment, and by operators."""

from __future__ import annotations

import dataclasses
import json

import pytest
from pydantic import SecretStr

from preflight import CheckResult, PreFlightCheck, PreFlightRegistry
from preflight.adjustment import adjusted, keys_of, value_of, with_timeout
from preflight.changes import UNCHANGED, Changes, CheckChanges
from preflight.context import RunRequest
from preflight.declaration import FunctionCheck
from preflight.engine.plan import DISABLED, plan
from preflight.exceptions import InvalidChange, InvalidSettings
from preflight.in_force import look_at
from preflight.settings import load


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tank(PreFlightCheck):
    """Ask whether the tank is full."""

    name: str = "tank"
    priority: int = 0
    least: int = 10
    liquid: str = "water"
    token: SecretStr = dataclasses.field(default=SecretStr("canary-of-the-tank"))
    place: str = dataclasses.field(default="harbour", metadata={"parameter": False})
    cache_ttl: float | None = 30.0
    cache_scope: str | None = "campaign"

    def execute(self, context):
        return CheckResult.passed(f"{self.least} of {self.liquid}")


class Plain(PreFlightCheck):
    name = "plain"

    def execute(self, context):
        return CheckResult.passed()


def tank_with(**values):
    return Changes(4, {"tank": CheckChanges(values, 4)})


def registry_with(environment=None, *checks):
    registry = PreFlightRegistry()
    for check in checks or (Tank,):
        registry.register(check)
    registry._wanted = environment or {}
    for name in registry._wanted:
        registry._adjust(name)
    return registry


def planned(registry, changes=UNCHANGED, **details):
    request = RunRequest.build(mode="full", event_type="health_sweep", **details)
    return plan(request, registry, load({}), changes).checks[0]


def test_a_check_is_adjusted_whether_it_is_a_dataclass_a_class_or_a_function():
    """Each keeps its class; the original is as it was."""
    function = FunctionCheck(name="f", priority=0, function=lambda _: CheckResult.passed())
    for check in (Tank(), Plain(), function):
        made = adjusted(check, {"timeout": 9, "severity": "advisory", "enabled": False})

        assert (made.timeout, made.severity, made.enabled) == (9, "advisory", False)
        assert (check.timeout, check.severity, check.enabled) == (5.0, "blocking", True)
        assert type(made) is type(check)


def test_parameters_are_adjusted_as_a_run_adjusts_them():
    """By their types."""
    assert adjusted(Tank(), {"least": "12"}).least == 12


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"tiemout": 3}, "has no 'tiemout' to change. Did you mean timeout"),
        ({"leest": 3}, "Did you mean least"),
        ({"priority": 3}, "has no 'priority'"),
        ({"name": "x"}, "has no 'name'"),
        ({"place": "sea"}, "has no 'place'"),
        ({"timeout": 0}, "tank.timeout=0 is wrong: its timeout must be seconds, more than 0 and at most 600, not 0"),
        ({"timeout": -1}, "more than 0"),
        ({"timeout": "soon"}, "not 'soon'"),
        ({"timeout": float("nan")}, "not nan"),
        ({"timeout": float("inf")}, "not inf"),
        ({"timeout": True}, "not True"),
        ({"timeout": 601}, "at most 600"),
        ({"severity": "loud"}, "must be 'blocking' or 'advisory', not 'loud'"),
        ({"severity": []}, "not []"),
        ({"enabled": "no"}, "its enabled must be true or false, not 'no'"),
        ({"enabled": 0}, "not 0"),
        ({"cache_ttl": 0}, "more than 0"),
        ({"cache_ttl": 86_401}, "at most 86400"),
        ({"least": "many"}, "Parameter tank.least='many' is wrong: Input should be a valid integer"),
        ({"liquid": 7}, "Parameter tank.liquid=7 is wrong"),
        ({"token": 7}, "Parameter tank.token=*** is wrong"),
    ],
)
def test_what_fits_nothing_is_refused_in_one_line(values, says):
    """The rules are those of the code, and so are their words."""
    with pytest.raises(InvalidChange) as refused:
        adjusted(Tank(), values)

    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_cache_cannot_be_given_to_a_check_that_declares_none():
    """Its author has not said whose answers are whose."""
    with pytest.raises(InvalidChange, match="keeps no answers"):
        adjusted(Plain(), {"cache_ttl": 30})


def test_a_cache_can_be_taken_away():
    """Null: nothing is kept, whatever the scope."""
    made = planned(registry_with(), tank_with(cache_ttl=None), campaign_id="018f4c1e-0000-7000-8000-000000000001")

    assert (made.cache_key, made.cache_ttl_ms) == (None, 0)


@pytest.mark.parametrize("name", ["broker", "workers"])
def test_what_the_opening_answers_cannot_be_changed(name):
    """There is no execution that a change could reach."""
    with pytest.raises(InvalidChange, match="answered by the opening"):
        adjusted(FunctionCheck(name=name, priority=0, function=lambda _: CheckResult.passed()), {"enabled": False})


def test_a_value_that_is_computed_cannot_be_changed():
    """A property has no place for it."""

    class Computed(Plain):
        timeout = property(lambda _: 3.0)

    with pytest.raises(InvalidChange, match="computed by the check's code"):
        adjusted(Computed(), {"timeout": 2})


def test_a_check_that_watches_its_own_timeout_sees_the_planned_one():
    """Else it would give up before the operator's time is over."""
    assert with_timeout(Tank(), 40.0).timeout == 40.0


def test_who_has_the_say_is_operator_then_environment_then_code():
    """A run's own parameter is before all of them."""
    registry = registry_with({"tank": {"least": 20, "liquid": "oil", "timeout": 2}})
    changes = tank_with(least=30)
    found = {one.key: (one.value, one.source, one.in_code) for one in look_at(registry, "tank", changes).values}

    assert found["least"] == (30, "operator", 10)
    assert found["liquid"] == ("oil", "environment", "water")
    assert found["timeout"] == (2, "environment", 5.0)
    assert found["severity"] == ("blocking", "code", "blocking")
    assert planned(registry, changes).params == {"least": 30}
    assert planned(registry, changes, params={"tank": {"least": 40}}).params == {"least": 40}
    assert registry.get("tank").least == 20
    assert registry.declared("tank").least == 10


def test_secrets_are_masked_where_values_are_shown():
    """The value of a secret parameter is nobody's to read."""
    assert "canary" not in json.dumps({key: value_of(Tank(), key) for key in keys_of(Tank())})
    assert value_of(Tank(), "token") == "***"


def test_a_disabled_check_is_planned_as_skipped():
    """By whom is in the reason, and it is neither asked nor taken from the cache."""
    by_operator = planned(registry_with(), tank_with(enabled=False))
    by_environment = planned(registry_with({"tank": {"enabled": False}}))

    assert (by_operator.answer["status"], by_operator.answer["message"]) == ("skipped", DISABLED)
    assert by_environment.answer["message"] == "disabled where the run was planned"


def test_an_operator_enables_what_the_environment_has_disabled():
    """Precedence."""
    assert planned(registry_with({"tank": {"enabled": False}}), tank_with(enabled=True)).answer is None


def test_a_change_that_does_not_fit_this_version_of_the_check_is_an_error():
    """Asked with other values than the operator wanted, it would tell something else than it seems to."""
    made = planned(registry_with(), tank_with(depth=3))

    assert made.answer["status"] == "error"
    assert "has no 'depth'" in made.answer["message"]
    assert "preflight checks reset tank" in made.answer["remediation"]
    assert look_at(registry_with(), "tank", tank_with(depth=3)).problem
    assert planned(registry_with(), tank_with(depth=3, enabled=False)).answer["message"] == DISABLED


def test_changes_travel_as_text():
    """What is read is what was written; what a newer version adds is ignored."""
    text = tank_with(least=3, enabled=False).to_text()
    newer = json.dumps({name: one | {"newer": 1} for name, one in json.loads(text).items()})

    assert Changes.from_text(4, newer) == tank_with(least=3, enabled=False)
    assert Changes.from_text(4, newer).disabled == ("tank",)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("disk", "is not JSON"),
        ("[]", "must be an object of objects"),
        ('{"disk": 3}', "must be an object of objects"),
        ('{"disk": {}, "disk": {}}', "twice"),
        ('{"disk": {"timeout": NaN}}', "NaN is no number"),
        ("[" * 100_000, "nested too deep"),
    ],
)
def test_check_settings_that_cannot_be_read_are_one_line(text, says):
    """The variable, what is wrong, and what is accepted."""
    with pytest.raises(InvalidSettings, match=says) as refused:
        load({"check_settings": text})

    assert str(refused.value).startswith("PREFLIGHT_CHECK_SETTINGS=")


def test_check_settings_are_applied_when_checks_are_discovered():
    """What fits no check is among the broken sources; its neighbours are applied."""
    wanted = {"disk": {"timeout": 3}, "dsik": {}, "database": {"nonsense": 1}}
    registry = PreFlightRegistry()
    registry.discover(
        load({"check_settings": json.dumps(wanted), "check_database_url": "postgresql://x:y@localhost/z"})
    )

    assert registry.get("disk").timeout == 3
    assert registry.environment("disk") == {"timeout": 3}
    assert registry.environment("database") == {}
    broken = [place.error for place in registry.broken if place.source == "PREFLIGHT_CHECK_SETTINGS"]
    assert len(broken) == 2
    assert "Did you mean disk" in broken[0]


def test_a_check_that_is_registered_late_has_its_settings_too():
    """A module that the application imports by itself."""
    registry = PreFlightRegistry()
    registry.discover(load({"check_settings": '{"tank": {"least": 3}}'}))
    registry.register(Tank)
    registry.register(Tank)  # the same one, found twice

    assert registry.get("tank").least == 3
    assert [check.least for check in registry if check.name == "tank"] == [3]


def test_secrets_in_check_settings_are_masked_where_settings_are_shown():
    """`preflight config` shows the rest."""
    shown = load({"check_settings": '{"tank": {"token": "canary", "least": 3}}'}).shown()["PREFLIGHT_CHECK_SETTINGS"]

    assert "canary" not in shown
    assert "least" in shown
