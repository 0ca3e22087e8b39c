"""What the checks that ship declare, and which of them the settings switch on."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from pathlib import Path

import pytest

import preflight.checks
from preflight.checks.beat import BeatCheck
from preflight.checks.database import DatabaseCheck
from preflight.checks.disk import DiskCheck
from preflight.checks.dns import DnsCheck
from preflight.checks.http import HttpCheck
from preflight.checks.migrations import MigrationsCheck
from preflight.checks.redis import RedisCheck
from preflight.checks.tcp import TcpCheck
from preflight.exceptions import InvalidRun, InvalidSettings
from preflight.parameters import parameter_types, parameters, with_parameters
from preflight.registry import PreFlightRegistry
from preflight.settings import load
from preflight.types import Severity, Status

MODULES = [module.name for module in pkgutil.iter_modules(preflight.checks.__path__)]
OURS = MODULES
#: Fields that say where a check connects to, or reads.
CONNECTING = {"url", "namespace", "lookup", "allow_private", "target", "host", "name_server", "groups", "memberships"}
EVERYTHING = {
    "redis_url": "redis://:canary@redis:6379/0",
    "database_url": "postgresql://u:canary@postgres/app",
    "check_websocket_url": "ws://realtime/",
    "check_http_urls": "http://shop.example/",
    "check_tcp_targets": "mail.example:25",
    "check_dns_names": "shop.example",
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
    """Without addresses only this machine can be asked."""
    assert [check.name for check in discovered() if check.name in OURS] == ["disk", "memory"]


@pytest.mark.parametrize("name", OURS)
def test_every_check_is_a_frozen_dataclass_with_advice_and_documentation(name):
    """A check that ships can be copied with parameters, says what to do when it is lost, and has a page."""
    check = discovered(**EVERYTHING).get(name)

    assert dataclasses.is_dataclass(check)
    with pytest.raises(dataclasses.FrozenInstanceError):
        check.timeout = 1
    assert check.default_remediation
    assert check.execute.__doc__
    assert {example.status for example in check.examples} >= {Status.PASSED, Status.FAILED}
    assert all(parameter.meaning for parameter in parameters(check))
    assert (Path(__file__).parents[3] / "docs" / "checks" / f"{name}.md").exists()


@pytest.mark.parametrize("name", OURS)
def test_no_run_can_choose_where_a_check_connects_to(name):
    """Addresses come from code and settings, never from the arguments of a run."""
    check = discovered(**EVERYTHING).get(name)

    assert not parameter_types(check).keys() & CONNECTING
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
    ("targets", "names"),
    [
        ("mail.example:25", ["tcp"]),
        ("mail=mail.example:25", ["mail"]),
        ("mail.example:25,mail.example:587", ["tcp_mail_example_25", "tcp_mail_example_587"]),
        ("[::1]:25,a:1", ["tcp_1_25", "tcp_a_1"]),
        ("user:canary@mail.example:25,a:1", ["tcp_unusable", "tcp_a_1"]),
        ("", []),
    ],
)
def test_every_tcp_target_is_a_check_of_its_own(targets, names):
    """Names are given or come from host and port, and never from what may be a password."""
    assert [check.name for check in TcpCheck.from_settings(load({"check_tcp_targets": targets}))] == names


@pytest.mark.parametrize(
    ("entry", "fields"),
    [
        ("shop.example", ("dns", "shop.example", "A", "")),
        ("shop.example:mx", ("dns", "shop.example", "MX", "")),
        ("shop=shop.example:TXT@10.0.0.53:5353", ("shop", "shop.example", "TXT", "10.0.0.53:5353")),
        ("shop.example@fd00::53", ("dns", "shop.example", "A", "fd00::53")),
    ],
)
def test_an_entry_of_dns_names_its_parts(entry, fields):
    """Name, type and name server may be left out."""
    [check] = DnsCheck.from_settings(load({"check_dns_names": entry}))

    assert (check.name, check.host, check.record_type, check.name_server) == fields


@pytest.mark.parametrize("kind", [BeatCheck, MigrationsCheck])
def test_preflight_s_own_parts_are_advisory(kind):
    """A run has its verdict without beat and without a schema; their answers are kept for other runs."""
    [check] = kind.from_settings(load(EVERYTHING))

    assert check.severity is Severity.ADVISORY
    assert check.cache_ttl


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
        ("memory", {"fail_below_percent": 101}),
        ("beat", {"late_after": 0}),
        ("beat", {"late_after": float("inf")}),
        ("tcp", {"max_connect_ms": -1}),
        ("dns", {"expected": "x" * 1001}),
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
