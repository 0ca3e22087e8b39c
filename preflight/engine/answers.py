"""Whatever a check returned or raised, as a bounded, redacted, strict-JSON answer.

An answer is `{"status", "message", "error", "warnings", "remediation", "metadata"}`. Nothing here raises: what cannot
be an answer becomes one of status `error` that says what was wrong.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from typing import Any

from preflight.engine.json_values import MAX_BYTES, NotJson, json_object, text_of, texts_of
from preflight.redaction import redact, redact_values, storable
from preflight.types import BLOCKING_STATUSES, STATUSES, CheckResult, Severity, Status, known_status

MAX_EXCEPTION_CHARACTERS = 2000
#: More than this of an exception's text is never looked at.
_READ_CHARACTERS = 16 * 1024
_MAX_CAUSES = 3
_GOOD = (Status.PASSED, Status.WARNING)


def answer(returned: object) -> dict[str, Any]:
    """Return the answer that a check's return value stands for; at most 64 KiB once encoded."""
    try:
        if not isinstance(returned, CheckResult):
            return _garbage(returned)
        made = _normalised(returned)
        if not _surely_fits(made):
            _dumped(made)
    except NotJson as problem:
        return _error(str(problem))
    except BaseException as exc:  # a result may be an object whose every attribute raises
        return _error(f"returned something that cannot be read: {_described(exc)}")
    return made


def answer_from_exception(exc: BaseException) -> dict[str, Any]:
    """Return the `error` answer of an exception: "TypeName: message", with its causes in `error`."""
    try:
        text = _described(exc)
        return _error(text, (text + _causes(exc))[:MAX_EXCEPTION_CHARACTERS])
    except BaseException:  # an exception's attributes are code of the check's author
        return _error("raised an exception that cannot be described")


def encode(answer: dict[str, Any]) -> str:
    """Return an answer as strict JSON in ASCII, at most 64 KiB; one that is larger or no JSON becomes an `error`."""
    try:
        return _dumped(answer)
    except NotJson as problem:
        return json.dumps(_error(str(problem)))


def _dumped(answer: dict[str, Any]) -> str:
    try:
        text = json.dumps(answer, allow_nan=False, ensure_ascii=True)
    except BaseException as exc:
        raise NotJson(f"returned an answer that is no JSON: {_described(exc)}") from None
    if len(text) > MAX_BYTES:
        raise NotJson(f"returned {len(text)} bytes of JSON; at most {MAX_BYTES} are allowed")
    return text


def _normalised(result: CheckResult) -> dict[str, Any]:
    status = _status(result)
    return {
        "status": status.value,
        "message": redact(text_of("message", result.message)),
        "error": _optional("error", result.error),
        "warnings": [redact(warning) for warning in texts_of("warnings", result.warnings)],
        "remediation": _optional("remediation", result.remediation),
        "metadata": redact_values(json_object("metadata", result.metadata)),
    }


def _surely_fits(made: dict[str, Any]) -> bool:
    """Return whether an answer is a few short texts: most are, and need not be encoded twice."""
    texts = made["message"], made["error"] or "", made["remediation"] or ""
    return not made["warnings"] and not made["metadata"] and sum(map(len, texts)) < MAX_BYTES // 16


def _status(result: CheckResult) -> Status:
    if not isinstance(result.success, bool):
        raise NotJson(f"returned a CheckResult whose success is {_named(result.success)}, not True or False")
    status = STATUSES.get(result.status) if isinstance(result.status, str) else None
    if status is None:
        raise NotJson(f"returned a CheckResult with the unknown status {_named(result.status)}")
    if status is not Status.SKIPPED and result.success is not (status in _GOOD):
        raise NotJson(f"returned a CheckResult that contradicts itself: success={result.success}, status={status}")
    return Status.WARNING if status is Status.PASSED and result.warnings else status


def _optional(field: str, value: object) -> str | None:
    return None if value is None else redact(text_of(field, value))


def _garbage(returned: object) -> dict[str, Any]:
    if inspect.iscoroutine(returned):
        returned.close()
        return _error("returned a coroutine that nobody awaited instead of a CheckResult")
    return _error(f"returned {_named(returned)} instead of a CheckResult")


def _error(message: str, error: str | None = None) -> dict[str, Any]:
    return {
        "status": Status.ERROR.value,
        "message": message,
        "error": error or message,
        "warnings": [],
        "remediation": None,
        "metadata": {},
    }


def _named(value: object) -> str:
    """Return a small constant as it is written, and of anything else its type only."""
    if value is None or isinstance(value, bool) or (type(value) in (int, str) and not value):
        return repr(value)
    return f"a value of type {_type_name(value)}"


def _type_name(value: object) -> str:
    try:
        return storable(type.__dict__["__name__"].__get__(type(value)))[:100]
    except BaseException:
        return "?"


def _described(exc: BaseException) -> str:
    """Return "TypeName: message" on one line, redacted and bounded, whatever the exception does."""
    try:
        text = str.__str__(str(exc))[:_READ_CHARACTERS]
    except BaseException as broken:
        text = f"(its text cannot be read: {_type_name(broken)})"
    name = _type_name(exc)
    line = redact(" ".join(storable(text).split()))
    return (f"{name}: {line}" if line else name)[:MAX_EXCEPTION_CHARACTERS]


def _causes(exc: BaseException) -> str:
    """Return what an exception group holds and what the exception was caused by, the first few of each."""
    text = ""
    if isinstance(exc, BaseExceptionGroup):
        text = "".join(f"; holds {_described(inner)}" for inner in exc.exceptions[:_MAX_CAUSES])
    cause = exc
    for _ in range(_MAX_CAUSES):
        following = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
        if following is None:
            break
        cause = following
        text += f"; caused by {_described(cause)}"
    return text


def meaning(answer: Mapping[str, Any], severity: str) -> str:
    """Return what an answer means for its run, as the scripts know it. What is not known to be good is bad."""
    status = known_status(answer["status"])
    if status is Status.SKIPPED:
        return "skips"
    bad = status in BLOCKING_STATUSES
    if severity == Severity.ADVISORY:
        return "fails" if bad else "advises"
    return "blocks" if bad else "answers"


def micros(answer: Mapping[str, Any]) -> int | str:
    """Return how long an execution took; nothing for what the engine itself answers."""
    return round(answer["duration_ms"] * 1000) if "duration_ms" in answer else ""


def flat(unanswered: Mapping[str, tuple[dict[str, Any], str]]) -> list[str]:
    """Return checks' (answer, severity) as the scripts take several: name, what the answer means, answer, ..."""
    found: list[str] = []
    for name, (given, severity) in unanswered.items():
        found += [name, meaning(given, severity), encode(given)]
    return found
