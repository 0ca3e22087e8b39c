"""Handlers of the tests of the command line: one that is well, one that requires what nobody has."""

from preflight import CheckResult, PreFlightCheck, check
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
class Measure:
    """An action that requires a check of other event types, and the trigger's."""

    action_type = "measure"
    requires = ("picky", "handler_trigger_critical")


@check(name="picky", priority=15, event_types=("sale",))
def picky(context):
    """Pass."""
    return CheckResult.passed()


@actions.register
class Change:
    """An action that requires a check by a name with a typing error."""

    action_type = "change"
    requires = ("diks",)
