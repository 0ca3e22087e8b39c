"""Checks that answer what a test says, for the tests of applications that call the gate. No Redis, no workers.

from preflight import testing
with testing.answers() as answers:
    answers.fails("stock", "3 left", remediation="Order more.")
"""

from __future__ import annotations

from preflight.testing.answers import Answers, answers

__all__ = ["Answers", "answers"]
