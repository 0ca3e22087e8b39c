"""The arguments of a run, validated where they enter."""

from __future__ import annotations

import contextlib
import itertools
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.context import CheckContext, RunDetails, RunRequest
from preflight.exceptions import InvalidRun

ID = "018f4c1e-0000-7000-8000-000000000001"


def build(**arguments: Any) -> RunRequest:
    return RunRequest.build(**{"mode": "full", "event_type": "poll_launch", **arguments})


def refusal(**arguments: Any) -> str:
    """Return why the arguments are refused; one short line."""
    with pytest.raises(InvalidRun) as caught:
        build(**arguments)
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < 400
    return text


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels - 1):
        value = [value]
    return {"deep": value}


def containing_itself() -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["self"] = value
    return value


class Raises(Mapping[str, Any]):
    """A mapping that cannot be read."""

    def __getitem__(self, key: str) -> Any:
        raise LookupError(key)

    def __len__(self) -> int:
        raise OSError("away")

    def __iter__(self) -> Iterator[str]:
        raise OSError("away")


def raising() -> Iterator[str]:
    yield "a"
    raise OSError("away")


@pytest.mark.parametrize(
    ("argument", "value", "says"),
    [
        ("mode", "Full", "mode must be 'full' or 'light', not 'Full'"),
        ("mode", "lite", "mode must be"),
        ("mode", None, "mode must be"),
        ("mode", [], "mode must be"),
        ("event_type", "", "event_type must be 1 to 50"),
        ("event_type", "a" * 51, "event_type must be 1 to 50"),
        ("event_type", "<b>", "event_type must be 1 to 50"),
        ("event_type", "poll\n", "event_type must be 1 to 50"),
        ("event_type", "x" * 1_000_000, "event_type must be 1 to 50"),
        ("event_type", None, "event_type must be 1 to 50"),
        ("campaign_id", "12", "campaign_id must be a UUID such as"),
        ("campaign_id", "{" + ID[:34] + "}", "campaign_id must be a UUID"),
        ("campaign_id", ID.replace("0", "\u0660"), "campaign_id must be a UUID"),
        ("campaign_id", 5, "campaign_id must be a UUID"),
        ("triggered_by", "someone", "triggered_by must be a UUID"),
        ("streamer_ids", "abc", "streamer_ids must be a list of ids"),
        ("streamer_ids", None, "streamer_ids must be a list of ids"),
        ("streamer_ids", {"a": 1}, "streamer_ids must be a list of ids"),
        ("streamer_ids", [1], "streamer_ids must hold ids"),
        ("streamer_ids", ["a b"], "streamer_ids must hold ids"),
        ("streamer_ids", [""], "streamer_ids must hold ids"),
        ("streamer_ids", map(str, range(10_000)), "streamer_ids may hold at most 1000 ids"),
        ("streamer_ids", itertools.repeat("a"), "streamer_ids may hold at most 10000 items"),
        ("streamer_ids", raising(), "streamer_ids cannot be read"),
        ("metadata", [1], "metadata must be a JSON object"),
        ("metadata", {"a": object()}, "metadata must be JSON"),
        ("metadata", {"a": math.nan}, "metadata must be JSON"),
        ("metadata", {"a": "\ud800"}, "metadata must be JSON"),
        ("metadata", {(1,): 1}, "metadata must be JSON"),
        ("metadata", containing_itself(), "metadata must be JSON"),
        ("metadata", nested(100_000), "metadata must be JSON"),
        ("metadata", Raises(), "metadata must be JSON"),
        ("metadata", nested(33), "metadata is nested deeper than 32 levels"),
        ("metadata", {"a": "x" * 32_768}, "metadata is 32777 bytes of JSON; at most 32768 are allowed"),
        ("metadata", {"a": "\xe9" * 20_000}, "metadata is 40009 bytes of JSON"),
        ("metadata", {"k" * 1_000_000: 1}, "metadata is 1000007 bytes of JSON"),
        ("params", {"redis": 5}, "params['redis'] must be an object of the check's parameters, not 5"),
        ("params", {"x" * 20_000: 5}, "must be an object of the check's parameters"),
        ("params", [], "params must be a JSON object"),
        ("timeout", 0, "timeout must be seconds, more than 0 and at most 3600"),
        ("timeout", -1, "timeout must be seconds"),
        ("timeout", math.nan, "timeout must be seconds"),
        ("timeout", math.inf, "timeout must be seconds"),
        ("timeout", 86_400, "timeout must be seconds"),
        ("timeout", 10**400, "timeout must be seconds"),
        ("timeout", "5", "timeout must be seconds"),
        ("timeout", True, "timeout must be seconds"),
        ("short_circuit", "maybe", "short_circuit must be 'check', 'tier' or 'never'"),
        ("short_circuit", None, "short_circuit must be"),
        ("only", "redis", "only must be a list of check names"),
        ("only", itertools.repeat("a"), "only may hold at most 10000 items"),
        ("exclude", [1], "exclude must hold names of checks, not 1"),
        ("campain_id", ID, "run() takes no argument 'campain_id'. Did you mean campaign_id"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 40 and value.isprintable() else "",
)
def test_a_wrong_argument_is_named_with_what_is_allowed(argument, value, says):
    """Every wrong argument is one line before anything happens."""
    assert says in refusal(**{argument: value})


def test_a_secret_in_a_wrong_argument_is_not_shown():
    """Someone passes the wrong variable: its password stays inside, even where the text is cut."""
    dsn = f"postgresql://app:{'hunter2' * 20}@db/shop"

    for argument in ("campaign_id", "event_type", "mode", "metadata", "timeout"):
        assert "hunter2" not in refusal(**{argument: dsn})


def test_the_arguments_are_copied():
    """What the caller changes afterwards changes nothing in the run."""
    metadata: dict[str, Any] = {"a": [1]}
    streamers = ["a"]
    request = build(metadata=metadata, streamer_ids=streamers)
    metadata["a"].append(2)
    streamers.append("b")

    assert request.context.metadata == {"a": [1]}
    assert request.context.streamer_ids == ("a",)


def test_identifiers_are_taken_as_text_and_as_objects():
    """UUIDs in both forms, upper case too; duplicates of streamers are one."""
    request = build(campaign_id=ID.upper(), triggered_by=UUID(ID), streamer_ids=["a", UUID(ID), "a"])

    assert request.context.campaign_id == request.context.triggered_by == UUID(ID)
    assert request.context.streamer_ids == ("a", ID)


def test_the_largest_allowed_values_are_allowed():
    """The limits themselves belong to what is allowed."""
    request = build(
        event_type="a" * 50,
        streamer_ids=[str(number) for number in range(1000)] * 2,
        metadata={"a": "x" * (32_768 - len('{"a": ""}'))},
        timeout=3600,
    )

    assert len(request.context.streamer_ids) == 1000
    assert build(metadata=nested(32)).context.metadata == nested(32)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), json_values, max_size=3))
def test_a_context_survives_the_wire(metadata):
    """What travels to the workers as JSON is what the caller gave."""
    context = build(metadata=metadata, campaign_id=ID, streamer_ids=["a"]).context

    assert CheckContext.from_json(json.loads(json.dumps(context.to_json()))) == context


arguments_of_a_run = ["mode", "event_type", *RunDetails.__annotations__]


@given(st.dictionaries(st.sampled_from(arguments_of_a_run), json_values | st.binary() | st.floats()))
def test_whatever_the_arguments_only_one_kind_of_error_comes(arguments):
    """Any values at all: a request, or `InvalidRun`."""
    with contextlib.suppress(InvalidRun):
        assert build(**arguments).context.mode in {"full", "light"}
