"""What the checks that ship declare, and which of them the settings switch on."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from pathlib import Path

import pytest

import preflight.checks
from preflight.checks.database import DatabaseCheck
from preflight.checks.disk import DiskCheck
from preflight.checks.http import HttpCheck
from preflight.checks.redis import RedisCheck
from preflight.exceptions import InvalidRun, InvalidSettings
from preflight.parameters import parameter_types, with_parameters
from preflight.registry import PreFlightRegistry
from preflight.settings import load
from preflight.types import Severity

MODULES = [module.name for module in pkgutil.iter_modules(preflight.checks.__path__)]
OURS = ["broker", "database", "disk", "http", "redis", "websocket", "workers"]
EVERYTHING = {
    "redis_url": "redis://:canary@redis:6379/0",
    "database_url": "postgresql://u:canary@postgres/app",
    "check_websocket_url": "ws://realtime/",
    "check_http_urls": "http://shop.example/",
}


def discovered(**settings):
    """Return the registry of these settings and nothing else."""
    registry = PreFlightRegistry()
    registry.discover(load(settings))
    assert registry.broken == []
    return registry


def test_every_check_is_discovered_when_it_has_a_target():
    """A file in preflight/checks needs no registration."""
    registry = discovered(**EVERYTHING)

    assert set(OURS) <= {check.name for check in registry}
    assert {check.priority for check in registry if check.name in OURS} == {0, 5}


def test_checks_without_a_target_are_not_registered():
    """Without addresses only the disk can be asked."""
    assert [check.name for check in discovered() if check.name in OURS] == ["disk"]


@pytest.mark.parametrize("name", OURS)
def test_every_check_is_a_frozen_dataclass_with_advice_and_documentation(name):
    """A check that ships can be copied with parameters, says what to do when it is lost, and has a page."""
    check = discovered(**EVERYTHING).get(name)

    assert dataclasses.is_dataclass(check)
    with pytest.raises(dataclasses.FrozenInstanceError):
        check.timeout = 1
    assert check.default_remediation
    assert check.execute.__doc__
    assert (Path(__file__).parents[3] / "docs" / "checks" / f"{name}.md").exists()


@pytest.mark.parametrize("name", OURS)
def test_no_run_can_choose_where_a_check_connects_to(name):
    """Addresses come from code and settings, never from the arguments of a run."""
    check = discovered(**EVERYTHING).get(name)

    assert not parameter_types(check).keys() & {"url", "namespace", "lookup", "allow_private"}
    with pytest.raises(InvalidRun, match="no parameter 'url'"):
        with_parameters(name, check, {"url": "redis://elsewhere"})


@pytest.mark.parametrize("name", OURS)
def test_no_check_shows_its_password(name):
    """A check that is printed shows no password."""
    assert "canary" not in repr(discovered(**EVERYTHING).get(name))


def test_a_check_imports_no_other_check_and_no_engine():
    """What a check needs is handed to it as a field."""
    for name in OURS:
        module = importlib.import_module(f"preflight.checks.{name}")
        source = Path(module.__file__).read_text()
        assert "preflight.engine" not in source
        assert not [other for other in MODULES if f"preflight.checks.{other}" in source]


def test_the_application_s_redis_comes_before_preflight_s_own():
    """Only without one of the application's is PreFlight's own asked."""
    both = load({"redis_url": "redis://own/0", "check_redis_url": "redis://application/0"})
    [check] = RedisCheck.from_settings(both)

    assert check.url.get_secret_value() == "redis://application/0"


def test_preflight_s_own_database_is_advisory():
    """A run has its verdict without PreFlight's database; the application's own database blocks."""
    [own] = DatabaseCheck.from_settings(load({"database_url": "postgresql://own/app"}))
    [application] = DatabaseCheck.from_settings(
        load({"database_url": "postgresql://own/app", "check_database_url": "postgresql://application/app"})
    )

    assert own.severity is Severity.ADVISORY
    assert application.severity is Severity.BLOCKING


@pytest.mark.parametrize(
    ("urls", "names"),
    [
        ("https://shop.example/?a=b", ["http"]),
        ("shop=https://shop.example/", ["shop"]),
        ("shop=https://shop.example/,https://a.example/", ["shop", "http"]),
        ("https://a.example/,https://b.example:8443/", ["http_a_example", "http_b_example"]),
        ("https://a.example/1,https://a.example/2", ["http_a_example", "http_a_example_2"]),
        ("file:///etc/passwd,https://a.example/", ["http_unusable", "http_a_example"]),
        ("", []),
    ],
)
def test_every_http_address_is_a_check_of_its_own(urls, names):
    """Names are given or come from the host, and no address is lost because two are alike."""
    checks = HttpCheck.from_settings(load({"check_http_urls": urls}))

    assert [check.name for check in checks] == names


def test_two_http_addresses_of_one_name_are_refused():
    """A name that is given twice would silently drop an address."""
    with pytest.raises(InvalidSettings, match="two addresses called shop"):
        HttpCheck.from_settings(load({"check_http_urls": "shop=https://a.example/,shop=https://b.example/"}))


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        ("/", ["disk"]),
        ("/data,/", ["disk", "disk_root"]),
        ("/,/var/lib,/Var Lib", ["disk", "disk_var_lib", "disk_var_lib_2"]),
        ("/,/" + "a" * 100, ["disk", "disk_" + "a" * 55]),
        ("/,/", ["disk"]),
    ],
)
def test_every_disk_path_is_a_check_of_its_own(paths, names):
    """The first is `disk`, the others carry their path, and no path is lost because two are alike."""
    assert [check.name for check in DiskCheck.from_settings(load({"check_disk_paths": paths}))] == names


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("disk", {"warn_below_percent": 101}),
        ("disk", {"fail_below_percent": -1}),
        ("disk", {"fail_below_percent": float("nan")}),
        ("redis", {"probe_ttl_ms": 0}),
        ("http", {"expected_status": "2xx"}),
        ("http", {"expected_status": "200-"}),
        ("http", {"max_latency_ms": -1}),
        ("websocket", {"first_line_within": float("inf")}),
    ],
)
def test_parameters_out_of_bounds_are_refused(name, values):
    """A wrong value is refused when the run is opened, by the check's own types."""
    with pytest.raises(InvalidRun, match="is wrong"):
        with_parameters(name, discovered(**EVERYTHING).get(name), values)


def test_parameters_are_read_from_text():
    """The command line gives text."""
    check = with_parameters("disk", discovered().get("disk"), {"warn_below_percent": "20", "path": "/tmp"})

    assert (check.warn_below_percent, check.path) == (20.0, Path("/tmp"))
