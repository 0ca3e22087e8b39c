"""The pytest plugin, found by its entry point. Importing it must cost nothing: every test session does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from preflight.testing.answers import Answers


@pytest.fixture
def preflight_answers() -> Iterator[Answers]:
    """Have every run of the test answered by what it says: `preflight_answers.fails("stock")`."""
    from preflight.testing.answers import answers

    with answers() as given:
        yield given
