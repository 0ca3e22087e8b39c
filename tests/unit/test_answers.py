"""What becomes of whatever a check returns."""

from __future__ import annotations

import datetime as dt
import decimal
import gc
import json
import tracemalloc
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preflight.engine.answers import answer, encode
from preflight.types import CheckResult

KEYS = ["status", "message", "error", "warnings", "remediation", "metadata"]
LIMIT = 64 * 1024


class Unreadable:
    """An object whose every attribute and text raises."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)

    def __repr__(self) -> str:
        raise RuntimeError("repr")


class Endless(Mapping[str, int]):
    """A mapping that never ends."""

    def __getitem__(self, key: str) -> int:
        return 1

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[str]:
        number = 0
        while True:
            yield str(number)
            number += 1


def strict(text: str) -> Any:
    """Parse strict JSON: no NaN, no infinity."""
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


def containing_itself() -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["self"] = value
    return value


def test_a_plain_answer_is_kept_as_it_is():
    """A well-formed result travels unchanged, field by field."""
    result = CheckResult(
        True, "fine", warnings=["slow"], metadata={"ms": 1.5, "tags": ("a", None, True)}, remediation="x"
    )

    made = answer(result)

    assert list(made) == KEYS
    assert made == {
        "status": "warning",
        "message": "fine",
        "error": None,
        "warnings": ["slow"],
        "remediation": "x",
        "metadata": {"ms": 1.5, "tags": ["a", None, True]},
    }
    assert strict(encode(made)) == made


@pytest.mark.parametrize(
    ("result", "status"),
    [
        (CheckResult(), "passed"),
        (CheckResult(True, warnings=("x",)), "warning"),
        (CheckResult.passed(warnings=["x"]), "warning"),
        (CheckResult(False, "no"), "failed"),
        (CheckResult.errored("?"), "error"),
        (CheckResult.skipped("does not apply"), "skipped"),
    ],
)
def test_every_form_of_result_has_its_status(result, status):
    """The seed's form and the short forms mean what they say."""
    assert answer(result)["status"] == status


@pytest.mark.parametrize(
    ("returned", "named"),
    [
        (None, "None"),
        (True, "True"),
        (False, "False"),
        (0, "0"),
        ("", "''"),
        ([], "a value of type list"),
        ({"success": True}, "a value of type dict"),
        (b"ok", "a value of type bytes"),
        (decimal.Decimal(1), "a value of type Decimal"),
        (dt.datetime.now(dt.UTC), "a value of type datetime"),
        (float("nan"), "a value of type float"),
        (object(), "a value of type object"),
        (CheckResult, "a value of type type"),
    ],
)
def test_what_is_no_result_is_an_error_that_names_it(returned, named):
    """Truthy or not, only a CheckResult is an answer."""
    made = answer(returned)

    assert made["status"] == "error"
    assert made["message"] == f"returned {named} instead of a CheckResult"


@pytest.mark.filterwarnings("error")
def test_a_coroutine_nobody_awaited_is_closed_and_never_passes():
    """A coroutine is truthy; it is no answer, and leaves no warning behind."""

    async def execute() -> CheckResult:
        return CheckResult.passed()

    made = answer(execute())
    gc.collect()

    assert made["status"] == "error"
    assert made["message"] == "returned a coroutine that nobody awaited instead of a CheckResult"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"success": "yes"}, "success is a value of type str, not True or False"),
        ({"success": 1}, "success is a value of type int"),
        ({"message": 5}, "message is a int, not a text"),
        ({"message": None}, "message is a NoneType"),
        ({"error": ValueError("x")}, "error is a ValueError"),
        ({"warnings": "text"}, "warnings is a str, not a list"),
        ({"warnings": [1]}, "warnings item is a int"),
        ({"metadata": [1]}, "metadata is a list, not a JSON object"),
        ({"remediation": 1}, "remediation is a int"),
        ({"status": "great"}, "unknown status"),
        ({"success": True, "status": "failed"}, "contradicts itself"),
        ({"success": False, "status": "passed"}, "contradicts itself"),
    ],
)
def test_a_field_of_a_wrong_type_is_an_error_that_names_the_field(fields, says):
    """A result that does not say clearly yes or no is not an answer."""
    made = answer(CheckResult(**fields))

    assert made["status"] == "error"
    assert says in made["message"]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (nested(100_000), "nested deeper than 32 levels"),
        (containing_itself(), "nested deeper than 32 levels"),
        ("x" * 50_000_000, "more than 65536 bytes"),
        (dict.fromkeys(map(str, range(1_000_000))), "more than 65536 bytes"),
        (Endless(), "more than 65536 bytes"),
        (10**5000, "whole number of 16610 bits"),
        (b"bytes", "holds a bytes, which JSON does not know"),
        (decimal.Decimal("1.5"), "holds a Decimal"),
        (dt.datetime.now(dt.UTC), "holds a datetime"),
        ({1, 2}, "holds a set"),
        (object(), "holds a object"),
        ({1: 2}, "a key that is a int, not text"),
        ("é" * 20_000, "120118 bytes of JSON; at most 65536 are allowed"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 100 else "",
)
def test_metadata_that_json_cannot_hold_is_an_error_that_says_why(value, says):
    """Whatever lies in metadata, the answer is small, strict JSON and names the reason."""
    made = answer(CheckResult(True, "fine", metadata={"value": value}))

    assert made["status"] == "error"
    assert says in made["message"]
    assert len(encode(made)) < 1000


def test_fifty_megabytes_are_refused_without_a_copy():
    """The size is judged before anything is copied."""
    result = CheckResult(True, "x" * 50_000_000, metadata={"more": "y" * 50_000_000})
    tracemalloc.start()
    try:
        made = answer(result)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert made["status"] == "error"
    assert peak < 1_000_000


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
def test_numbers_that_json_does_not_know_become_text(number):
    """NaN and the infinities keep their names, as text."""
    made = answer(CheckResult(metadata={"n": float(number)}))

    assert made["status"] == "passed"
    assert made["metadata"] == {"n": number}


def test_lone_surrogates_and_nul_are_replaced_everywhere():
    """No store takes them: they are replaced in every text, keys included."""
    bad = "a\x00b\ud800c"
    made = answer(CheckResult(False, bad, bad, [bad], {bad: [bad]}, bad))

    text = json.dumps(made, ensure_ascii=False)
    assert made["status"] == "failed"
    assert text.encode()
    assert "\\u0000" not in text
    assert made["message"] == "a\ufffdb\ufffdc"


def test_secrets_are_masked_in_every_field():
    """A result that carries a DSN or a token leaves without it."""
    dsn = "postgresql://app:hunter2@db/shop"
    made = answer(
        CheckResult(False, dsn, dsn, [dsn], {"url": dsn, "api_key": "hunter2", "deep": [{"password": 7}]}, dsn)
    )

    assert "hunter2" not in encode(made)
    assert made["metadata"]["deep"] == [{"password": "***"}]


def test_a_result_whose_attributes_raise_is_an_error():
    """Even reading the result may fail."""
    for made in (answer(Unreadable()), answer(CheckResult(metadata={"a": Unreadable()}))):
        assert made["status"] == "error"
        encode(made)


def test_encode_turns_what_is_no_json_into_an_error():
    """Whoever built the answer, what leaves is strict JSON within the limit."""
    nan, big = answer(CheckResult()), answer(CheckResult())
    nan["metadata"] = {"n": float("nan")}
    big["metadata"] = {"n": "x" * LIMIT}

    assert "is no JSON" in strict(encode(nan))["message"]
    assert "returned 65" in strict(encode(big))["message"]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.binary() | st.decimals(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()) | st.integers(), inner),
    max_leaves=10,
)


@settings(max_examples=50)
@given(anything, anything, anything, anything, anything)
def test_whatever_is_returned_the_answer_is_strict_bounded_json(success, message, warnings, metadata, status):
    """Any values in any fields: six keys, a known status, strict JSON, no exception."""
    result = CheckResult(success, message, None, warnings, metadata, status=status)

    for returned in (result, metadata):
        made = answer(returned)
        text = encode(made)

        assert list(made) == KEYS
        assert made["status"] in {"passed", "warning", "failed", "error", "skipped"}
        assert strict(text) == made
        assert len(text) <= LIMIT
