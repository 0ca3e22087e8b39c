"""What becomes of whatever a check raises."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.engine.answers import MAX_EXCEPTION_CHARACTERS, answer_from_exception, encode


@pytest.mark.parametrize(
    "kind", [SystemExit, KeyboardInterrupt, MemoryError, RecursionError, GeneratorExit, ValueError]
)
def test_every_kind_of_exception_is_described(kind):
    """BaseException kinds are answers like any other."""
    made = answer_from_exception(kind("boom"))

    assert made["status"] == "error"
    assert made["message"] == made["error"] == f"{kind.__name__}: boom"


def test_an_exception_without_text_is_named():
    """`raise MemoryError` has no text; its name stands alone."""
    assert answer_from_exception(MemoryError())["message"] == "MemoryError"


def test_celery_exceptions_are_described_like_any_other():
    """Ignore and Reject would leave a plain Celery task pending for ever; here they are text."""
    from celery.exceptions import Ignore, Reject

    assert answer_from_exception(Ignore())["message"] == "Ignore"
    assert answer_from_exception(Reject("why", requeue=True))["message"] == "Reject: ('why', True)"


def test_an_exception_whose_text_raises_is_an_error_that_says_so():
    """`__str__` is the author's code too."""

    class Mute(Exception):
        def __str__(self) -> str:
            raise KeyboardInterrupt

    assert answer_from_exception(Mute())["message"] == "Mute: (its text cannot be read: KeyboardInterrupt)"


def test_a_chain_of_a_thousand_is_cut_after_a_few():
    """The causes next to the exception are told, the rest is not."""
    first = error = ValueError("0")
    for number in range(1, 1000):
        error.__cause__ = ValueError(str(number))
        error = error.__cause__

    made = answer_from_exception(first)

    assert made["message"] == "ValueError: 0"
    assert made["error"] == "ValueError: 0; caused by ValueError: 1; caused by ValueError: 2; caused by ValueError: 3"


def test_a_group_tells_what_it_holds():
    """An exception group names its first members."""
    group = ExceptionGroup("two", [ValueError("a"), KeyError("b")])

    assert answer_from_exception(group)["error"] == (
        "ExceptionGroup: two (2 sub-exceptions); holds ValueError: a; holds KeyError: 'b'"
    )


def test_a_secret_in_an_exception_is_masked_and_its_text_is_bounded():
    """A DSN in an exception's text, however long the text, does not show."""
    text = "cannot connect to postgresql://app:hunter2@db/shop\n" + "x" * 100_000
    made = answer_from_exception(OSError(text))

    assert "hunter2" not in encode(made)
    assert "\n" not in made["message"]
    assert len(made["message"]) == len(made["error"]) == MAX_EXCEPTION_CHARACTERS


@given(st.text(st.characters()))
def test_whatever_an_exception_says_its_answer_is_strict_bounded_json(text):
    """Any text, surrogates included."""
    made = answer_from_exception(RuntimeError(text))

    assert json.loads(encode(made)) == made
