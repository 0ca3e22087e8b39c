"""Checks of the tests of the command line. Loading them prints, as careless modules do."""

import dataclasses
import pathlib
import threading

from preflight import CheckResult, PreFlightCheck, check

print("sample checks are loading")  # noqa: T201  # stdout of a command must not show it


@dataclasses.dataclass(frozen=True, kw_only=True)
class OpenGate(PreFlightCheck):
    """Say what it was told to say."""

    name: str = "open_gate"
    priority: int = 10
    event_types: tuple[str, ...] = ("poll_launch",)
    answer: str = "open"

    def execute(self, context):
        """Pass."""
        return CheckResult.passed(self.answer)


@check(name="remark", priority=10, event_types=("dice_roll",))
def remark(context):
    """Pass with a remark."""
    return CheckResult.warning("expires soon")


@check(name="tokens", priority=10, event_types=("closed_gate",))
def tokens(context):
    """Fail, in two lines and with an escape."""
    return CheckResult.failed("two are\ninvalid \x1b[31m", remediation="Sign in again.")


@check(name="cooldown", priority=20, event_types=("closed_gate",))
def cooldown(context):
    """Come too late."""
    return CheckResult.passed("never said")


@check(name="waits", priority=10, event_types=("long_run",), requires=("file",), timeout=60, may_be_slow=True)
def waits(context):
    """Wait until the file that the run names exists."""
    tick = threading.Event()
    while not pathlib.Path(context.metadata["file"]).exists():
        tick.wait(0.02)
    return CheckResult.passed("it is there")
