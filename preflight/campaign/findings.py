"""What was found about each streamer of a campaign, and the one answer that stands for all of them."""

from __future__ import annotations

import collections
import dataclasses
import re
from collections.abc import Sequence
from datetime import UTC, datetime

from preflight.campaign.source import Streamer
from preflight.types import CheckResult, Status

#: So many streamers are named in a message; the others are counted.
MOST_NAMED = 5

#: Whatever else is stored was never granted, and may hold what no header takes.
TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{1,2048}")
SIGN_IN = "Have the streamer sign in with Twitch again."
AUTHORISE = "Have the streamer authorise the campaign, or take them out of it."


@dataclasses.dataclass(frozen=True)
class Finding:
    """What is to be said of one streamer. `text` follows their name, and never holds a token."""

    name: str
    status: Status
    text: str = ""
    remediation: str | None = None

    def __str__(self) -> str:
        return f"{self.name} {self.text}"


def stored(streamer: Streamer) -> Finding | None:  # noqa: PLR0911  # one answer per thing that may be wrong
    """Return what is wrong with a streamer by what is stored alone; None if Twitch has to be asked."""
    now = datetime.now(UTC)
    if not streamer.active:
        return _no(streamer, "is not active", "Activate the streamer, or take them out of the campaign.")
    if not streamer.authorised:
        return _no(streamer, "has not authorised the campaign", AUTHORISE)
    if streamer.authorised_until and streamer.authorised_until <= now:
        return _no(streamer, "authorised the campaign for a time that is over", AUTHORISE)
    if streamer.token is None:
        return _no(streamer, "has never signed in with Twitch", SIGN_IN)
    if not TOKEN.fullmatch(streamer.token.get_secret_value()):
        return _no(streamer, "has a token that is none of Twitch's", SIGN_IN)
    if streamer.token_expires_at and streamer.token_expires_at <= now:
        return _no(streamer, "has a token that has expired", SIGN_IN)
    return None


def unknown(streamer_id: str) -> Finding:
    """Return the finding for a streamer of the run that the source does not know."""
    return Finding(streamer_id, Status.FAILED, "is no known streamer", "Correct the run's streamer_ids.")


def invalid(streamer: Streamer) -> Finding:
    """Return the finding for a token that Twitch refuses."""
    return _no(streamer, "has a token that Twitch no longer accepts", SIGN_IN)


def not_asked(streamer: Streamer, why: str) -> Finding:
    """Return the finding for a token that Twitch could not be asked about: it may be as good as ever."""
    advice = "Try again when Twitch is well: nothing is known to be wrong with the streamers' tokens."
    return Finding(streamer.name, Status.ERROR, f"could not be validated ({why})", advice)


def valid(streamer: Streamer, expires_in: float, warn_within_hours: float) -> Finding:
    """Return the finding for a token that Twitch accepts, and that expires in so many seconds (0: never)."""
    if not 0 < expires_in < 3600 * warn_within_hours:
        return Finding(streamer.name, Status.PASSED)
    hours = expires_in / 3600
    left = f"{hours:.0f} h" if hours >= 1 else f"{hours * 60:.0f} min"
    return Finding(streamer.name, Status.WARNING, f"has a token that expires in {left}", SIGN_IN)


def _no(streamer: Streamer, text: str, remediation: str) -> Finding:
    return Finding(streamer.name, Status.FAILED, text, remediation)


def result_of(findings: Sequence[Finding]) -> CheckResult:
    """Return the answer for all: the worst status, with those who have it."""
    if not findings:
        return CheckResult.failed(
            "the campaign has no streamer", remediation="Invite streamers, or correct the campaign's id."
        )
    counts = collections.Counter(finding.status.value for finding in findings)
    facts = {"streamers": len(findings), **counts}
    for status, answer in (
        (Status.FAILED, CheckResult.failed),
        (Status.ERROR, CheckResult.errored),
        (Status.WARNING, CheckResult.warning),
    ):
        if worst := [finding for finding in findings if finding.status is status]:
            return answer(_told(worst), metadata=facts, remediation=worst[0].remediation)
    all_of_them = (
        "the token of the only streamer is" if len(findings) == 1 else f"the tokens of {len(findings)} streamers are"
    )
    return CheckResult.passed(f"{all_of_them} valid", metadata=facts)


def _told(findings: Sequence[Finding]) -> str:
    named = "; ".join(str(finding) for finding in findings[:MOST_NAMED])
    rest = len(findings) - MOST_NAMED
    return f"{named}; and {rest} more" if rest > 0 else named
