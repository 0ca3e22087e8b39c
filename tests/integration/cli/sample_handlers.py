"""Handlers of the tests of the command line: one that is well, one that requires what nobody has."""

from preflight import CheckResult, PreFlightCheck
from preflight.handlers import actions, triggers


class _OnCritical(PreFlightCheck):
    """Ask what a critical roll needs."""

    priority = 15

    def execute(self, context):
        """Pass."""
        return CheckResult.passed()


@triggers.register
class Critical:
    """A trigger with a check."""

    trigger_type = "critical"

    def preflight_check(self):
        """Return the check."""
        return _OnCritical()


@actions.register
class Change:
    """An action that requires a check by a name with a typing error."""

    action_type = "change"
    requires = ("diks",)
