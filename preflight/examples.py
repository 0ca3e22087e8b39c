"""What a check's documentation shows: an example of every kind of answer that it gives."""

from __future__ import annotations

import dataclasses
import re

from preflight.types import CheckResult, Status

_VARIES = re.compile(r"<([^<>]+)>")


@dataclasses.dataclass(frozen=True)
class Example:
    """One kind of answer. What varies from answer to answer stands in angle brackets: "<11> % of </data> is free".

    The documentation of a check shows its examples, and tests compare them with the answers that it really gives.
    """

    status: Status
    message: str
    remediation: str | None = None

    def shown(self) -> dict[str, str]:
        """Return the answer as documentation shows it."""
        return {
            "status": self.status.value,
            "message": _VARIES.sub(r"\1", self.message),
            "remediation": _VARIES.sub(r"\1", self.remediation or ""),
        }

    def matches(self, result: CheckResult) -> bool:
        """Return whether a real answer is of this kind."""
        advice = _fits(self.remediation or "", result.remediation or "")
        return result.status is self.status and _fits(self.message, result.message) and advice


def _fits(example: str, text: str) -> bool:
    # Split at the groups: what is constant stands at even places.
    parts = _VARIES.split(example)
    pattern = "".join(".+" if place % 2 else re.escape(part) for place, part in enumerate(parts))
    return re.fullmatch(pattern, text, re.DOTALL) is not None


def passed(message: str) -> Example:
    """Return the example of a yes."""
    return Example(Status.PASSED, message)


def warning(message: str, remediation: str | None = None) -> Example:
    """Return the example of a yes with a remark."""
    return Example(Status.WARNING, message, remediation)


def failed(message: str, remediation: str) -> Example:
    """Return the example of a no, which always says what to do."""
    return Example(Status.FAILED, message, remediation)


def errored(message: str, remediation: str) -> Example:
    """Return the example of a question that could not be asked."""
    return Example(Status.ERROR, message, remediation)


def skipped(reason: str) -> Example:
    """Return the example of a question that was not asked."""
    return Example(Status.SKIPPED, reason)
