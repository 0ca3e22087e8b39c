"""What tests know of checks' documented answers: which ones were given, and which no test has met."""

from __future__ import annotations

import collections
from collections.abc import Callable

import pytest

from preflight.declaration import PreFlightCheck
from preflight.examples import Example
from preflight.types import CheckResult

#: The documented examples that answers of tests were of, by check.
SEEN: dict[type[PreFlightCheck], set[Example]] = collections.defaultdict(set)


def documented(check: PreFlightCheck, result: CheckResult) -> CheckResult:
    """Return an answer of a check, which must be of a kind that the check documents."""
    found = [example for example in type(check).examples if example.matches(result)]
    assert found, f"{check.name} documents no answer like this: {result}"
    SEEN[type(check)].update(found)
    return result


def not_met(request: pytest.FixtureRequest) -> Callable[[type[PreFlightCheck]], list[Example]]:
    """Return the function that tells which documented answers of a check no test has met.

    The test that uses it comes last in its module, and is skipped when a part of the module was selected.
    """
    written = {name for name, value in vars(request.module).items() if name.startswith("test_") and callable(value)}
    ran = {item.originalname for item in request.session.items if item.module is request.module}
    if written - ran:
        pytest.skip("only a part of this module's tests was selected")
    return lambda check: [example for example in check.examples if example not in SEEN[check]]
