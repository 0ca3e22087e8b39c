"""What a registry holds: names that are there once, at most so many checks, in the order of a plan."""

from __future__ import annotations

import dataclasses
import threading

import pytest

from preflight import CheckContext, CheckResult, PreFlightCheck, PreFlightRegistry
from preflight.exceptions import InvalidCheck, UnknownCheck
from preflight.registry import MAX_CHECKS


class Passes(PreFlightCheck):
    """A check with a name and a priority."""

    def __init__(self, name: str, priority: int = 0) -> None:
        self.name, self.priority = name, priority

    def execute(self, context: CheckContext) -> CheckResult:
        """Answer yes."""
        return CheckResult.passed()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Http(PreFlightCheck):
    """A dataclass check."""

    name: str = "http"
    url: str = "a"
    limit: int = 1

    def execute(self, context: CheckContext) -> CheckResult:
        """Answer yes."""
        return CheckResult.passed()


def test_a_name_twice_names_both_places():
    """Two definitions of one name cannot both be asked."""
    registry = PreFlightRegistry()
    registry.register(Http())

    with pytest.raises(InvalidCheck) as caught:
        registry.register(Passes(name="http"))
    assert str(caught.value).count("test_registry.py:") == 2
    assert "Rename one" in str(caught.value)


def test_two_instances_of_one_class_need_two_names():
    """Otherwise one of them would never be asked, in silence."""
    registry = PreFlightRegistry()
    registry.register(Http(url="a"))

    with pytest.raises(InvalidCheck, match="Two checks are called 'http'"):
        registry.register(Http(url="b"))


def test_the_same_check_found_twice_is_one():
    """A module may be named twice and imported twice."""
    registry = PreFlightRegistry()
    for made in (Http(), Http(), Http):
        registry.register(made)

    assert len(registry) == 1


def test_the_registry_takes_500_checks_and_no_more():
    """The 501st is refused with the limit."""
    registry = PreFlightRegistry()
    for number in range(MAX_CHECKS):
        registry.register(Passes(name=f"check_{number}"))

    with pytest.raises(InvalidCheck, match="holds 500 checks, which is the most it takes"):
        registry.register(Passes(name="one_more"))


def test_checks_come_by_priority_then_name():
    """Plan order, whatever the order of registration."""
    registry = PreFlightRegistry()
    for name, priority in (("b", 5), ("a", 5), ("c", 0)):
        registry.register(Passes(name=name, priority=priority))

    assert [found.name for found in registry] == ["c", "a", "b"]


def test_threads_register_without_losing_a_check():
    """Eight threads, one registry."""
    registry = PreFlightRegistry()

    def register(prefix: str) -> None:
        for number in range(20):
            registry.register(Passes(name=f"{prefix}_{number}"))

    threads = [threading.Thread(target=register, args=(prefix,)) for prefix in "abcdefgh"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(registry) == len(list(registry)) == 160


def test_an_unknown_name_offers_the_nearest_ones():
    """A typing error is recognised; a name of a megabyte costs nothing."""
    registry = PreFlightRegistry()
    registry.register(Passes(name="database"))

    with pytest.raises(UnknownCheck, match=r"No check is called 'databse'\. Did you mean database\?"):
        registry.get("databse")
    with pytest.raises(UnknownCheck) as caught:
        registry.get("x" * 1_000_000)
    assert len(str(caught.value)) < 200
