"""The list of mutants cannot rot."""

from __future__ import annotations

import collections

import mutants
import pytest

LIST = mutants.read()


@pytest.mark.parametrize("mutant", LIST, ids=[mutant.name for mutant in LIST])
def test_every_safeguard_is_where_the_list_says(mutant):
    """Its text occurs exactly once in its file, and the test that notices its absence exists."""
    assert not mutant.problem()
    assert mutant.old != mutant.new


def test_every_safeguard_has_a_name_of_its_own():
    """A survivor is told by its name."""
    names = collections.Counter(mutant.name for mutant in LIST)

    assert names.most_common(1)[0][1] == 1
