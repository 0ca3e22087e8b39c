"""What the checks of the pack `campaign` declare, and that nobody meets them without the pack."""

from __future__ import annotations

import dataclasses
import importlib
from pathlib import Path

import pytest

from preflight.exceptions import InvalidRun
from preflight.parameters import parameter_types, with_parameters
from preflight.registry import PreFlightRegistry
from preflight.settings import load

PACK = {"twitch_api": 5, "tokens": 10, "vtt_connection": 15, "cooldown": 20, "gamification_config": 20}
CANARY = "canary-7f3a"


def discovered(**settings):
    """Return the registry of these settings."""
    registry = PreFlightRegistry()
    registry.discover(load(settings))
    assert registry.broken == []
    return registry


def pack():
    """Return the registry of the pack with secrets planted in its settings."""
    return discovered(
        packs="campaign",
        database_url=f"postgresql://u:{CANARY}@db/app",
        campaign_keys=f"{'A' * 43}=",
        twitch_client_id="client",
        twitch_client_secret=CANARY,
    )


def test_the_pack_is_off_by_default():
    """Nobody meets Twitch who has not asked for it."""
    assert not [check.name for check in discovered() if check.name in PACK]


def test_the_pack_needs_nothing_to_be_registered():
    """What is missing is told by the checks, when they are asked."""
    registry = discovered(packs="campaign")

    assert {check.name: check.priority for check in registry if check.name in PACK} == PACK


def test_an_unknown_pack_is_told():
    """It is a broken source; the rest loads."""
    registry = PreFlightRegistry()
    registry.discover(load({"packs": "campain"}))

    assert [broken.source for broken in registry.broken] == ["preflight.campain.checks"]


@pytest.mark.parametrize("name", PACK)
def test_a_check_is_a_frozen_dataclass_with_advice_and_documentation(name):
    """It can be copied with parameters, says what to do when it is lost, and shows no secret."""
    check = pack().get(name)

    with pytest.raises(dataclasses.FrozenInstanceError):
        check.timeout = 1
    assert check.default_remediation
    assert check.execute.__doc__
    assert CANARY not in repr(check)
    assert "A" * 43 not in repr(check)


def test_what_a_check_is_looks_the_same_in_every_process():
    """Else each process would keep answers of its own: no address of an object is in it."""
    for name in PACK:
        assert "0x" not in repr([value for value in vars(pack().get(name)).values() if not callable(value)])


def test_no_run_can_choose_where_a_check_connects_to():
    """Addresses, credentials and sources come from settings."""
    parameters = {name: set(parameter_types(pack().get(name))) for name in PACK}

    assert {name: found for name, found in parameters.items() if found} == {
        "twitch_api": {"probe_login"},
        "tokens": {"warn_within_hours"},
    }


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("tokens", {"warn_within_hours": -1}),
        ("tokens", {"warn_within_hours": float("inf")}),
        ("tokens", {"warn_within_hours": "soon"}),
        ("twitch_api", {"probe_login": ""}),
        ("twitch_api", {"probe_login": "a&id=b"}),
        ("twitch_api", {"probe_login": "a" * 26}),
        ("twitch_api", {"probe_login": "a\n"}),
    ],
)
def test_parameters_out_of_bounds_are_refused(name, values):
    """A wrong value is refused when the run is opened."""
    with pytest.raises(InvalidRun, match="is wrong"):
        with_parameters(name, pack().get(name), values)


def test_a_check_imports_no_other_check_and_no_engine():
    """What it needs is handed to it as a field."""
    for name in PACK:
        source = Path(importlib.import_module(f"preflight.campaign.checks.{name}").__file__).read_text()
        assert "preflight.engine" not in source
        assert ".checks" not in source
