"""A check's parameters: its dataclass fields."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Annotated

import pydantic
import pytest

from preflight import CheckContext, CheckResult, PreFlightCheck, PreFlightRegistry, check
from preflight.exceptions import InvalidCheck, InvalidRun
from preflight.parameters import parameter_types, parameters, with_parameters


@dataclasses.dataclass(frozen=True, kw_only=True)
class Disk(PreFlightCheck):
    """A check with parameters of several types."""

    name: str = "disk"
    priority: int = 0
    path: pathlib.Path = pathlib.Path("/")
    percent: Annotated[float, pydantic.Field(gt=0, le=100)] = 15.0
    api_key: str = "hunter2"
    url: str = "redis://:hunter2@h"
    handed: object = dataclasses.field(default=None, metadata={"parameter": False})

    def execute(self, context: CheckContext) -> CheckResult:
        """Answer yes."""
        return CheckResult.passed()


def test_parameters_are_the_fields_that_the_declaration_does_not_have():
    """Name, priority and what is handed to the check are no parameters."""
    assert list(parameter_types(Disk())) == ["path", "percent", "api_key", "url"]


def test_values_are_validated_and_applied_to_a_copy():
    """Text from the command line becomes the field's type; the registered check stays as it is."""
    disk = Disk()
    changed = with_parameters("disk", disk, {"path": "/tmp", "percent": "20"})

    assert (changed.path, changed.percent) == (pathlib.Path("/tmp"), 20.0)
    assert disk == Disk()
    assert with_parameters("disk", disk, {}) is disk


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"percnt": 5}, "Check 'disk' has no parameter 'percnt'. Did you mean percent? It has"),
        ({"priority": 5}, "has no parameter 'priority'"),
        ({"handed": 5}, "has no parameter 'handed'"),
        ({"percent": "much"}, "Parameter disk.percent='much' is wrong: Input should be a valid number"),
        ({"percent": 0}, "Parameter disk.percent=0 is wrong: Input should be greater than 0"),
        ({"percent": None}, "Parameter disk.percent=None is wrong"),
        ({"api_key": 5}, "Parameter disk.api_key=*** is wrong"),
        ({"path": "\x00" * 100_000, "percent": [1]}, "Parameter disk.percent=[1] is wrong"),
    ],
)
def test_a_wrong_parameter_is_one_line(values, says):
    """The check, the parameter, the value and what is allowed; a secret's value never."""
    with pytest.raises(InvalidRun) as caught:
        with_parameters("disk", Disk(), values)

    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_check_without_parameters_says_so():
    """A function's check has none."""
    made = check(name="stock", priority=0, registry=PreFlightRegistry())(lambda context: CheckResult())

    with pytest.raises(InvalidRun, match="It has no parameters"):
        with_parameters("stock", made, {"x": 1})


def test_documentation_masks_secret_defaults():
    """By the parameter's name, and by what its value holds."""
    shown = {parameter.name: parameter.default for parameter in parameters(Disk())}

    assert shown == {"path": "/", "percent": "15.0", "api_key": "***", "url": "redis://:***@h"}


def test_a_parameter_with_a_value_of_another_type_is_refused_at_registration():
    """A wrong value in code is found when the process starts, not when the operation is due."""
    with pytest.raises(InvalidCheck, match="its parameter percent has a value that is wrong"):
        PreFlightRegistry().register(Disk(percent=500))


def test_a_parameter_whose_type_cannot_be_read_is_refused_at_registration():
    """An annotation that names nothing."""

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Odd(Disk):
        thing: Nowhere = None  # noqa: F821

    with pytest.raises(InvalidCheck, match="types of its parameters cannot be read: NameError"):
        PreFlightRegistry().register(Odd())
