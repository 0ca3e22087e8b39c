"""The kinds of checks that the model's runs plan."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import strategies as st
from integration.engine.conftest import PASSED

from preflight.declaration import FunctionCheck

#: Seconds that a kept answer lives. A quarter of the second is no whole number of milliseconds.
LIVES = (60.0, 0.25)


class Elsewhere(FunctionCheck):
    """A check that applies to no run of the model."""

    def applies_to(self, context):
        return False


class CheckKind(NamedTuple):
    """A check as a run of the model plans it. `wants` is an input that the run may not have."""

    priority: int
    severity: str = "blocking"
    kept_for: float | None = None
    wants: bool = False
    applies: bool = True

    @property
    def name(self) -> str:
        """A name that says what it is: checks of one name are one question."""
        words = [f"p{self.priority}", self.severity[0]]
        words += [f"kept{LIVES.index(self.kept_for)}"] if self.kept_for else []
        return "_".join(words + ["wants"] * self.wants + ["elsewhere"] * (not self.applies))

    def declared(self) -> FunctionCheck:
        """Return the check that is registered."""
        return (FunctionCheck if self.applies else Elsewhere)(
            name=self.name,
            priority=self.priority,
            function=lambda _: PASSED,
            severity=self.severity,
            cache_ttl=self.kept_for,
            requires=("campaign_id",) if self.wants else (),
        )


def _kinds(*, priorities=(0, 5, 10), severities=("blocking",), lives=(None,), wants=(False,), applies=(True,)):
    fields = (priorities, severities, lives, wants, applies)
    return st.tuples(*map(st.sampled_from, fields)).map(CheckKind._make)


_asked = _kinds(severities=("blocking", "blocking", "advisory"))
_kept = _kinds(priorities=(0, 5), severities=("blocking", "blocking", "advisory"), lives=LIVES)
_answered = _kinds(wants=(False, True), applies=(False,)) | _kinds(wants=(True,))
kinds = st.lists(st.one_of(_asked, _asked, _kept, _kept, _answered), min_size=2, max_size=5, unique_by=lambda k: k.name)
