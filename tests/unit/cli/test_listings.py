"""Lists of reports and descriptions of checks."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from typing import Annotated

import pydantic
import pytest

from preflight import CheckResult, PreFlightCheck
from preflight.cli import descriptions
from preflight.cli.listings import COLUMNS, listing
from preflight.declaration import FunctionCheck
from preflight.description import describe, events_of, runs_of
from preflight.handlers import Registered, Ties


@dataclasses.dataclass(frozen=True, kw_only=True)
class TargetCheck(PreFlightCheck):
    """Ask the | target.

    Every time anew.
    """

    name: str = "target"
    priority: int = 7
    event_types: tuple[str, ...] = ("poll_launch",)
    cache_ttl: float = 30.0
    cache_scope: str = "global"
    key: pydantic.SecretStr = dataclasses.field(default=pydantic.SecretStr("hunter2"))
    path: Annotated[str, pydantic.Field(description="where it is")] = "/"
    percent: Annotated[float, pydantic.Field(ge=0, le=100)] = 5.0

    default_remediation = "Mend it."

    def execute(self, context):
        """Pass."""
        return CheckResult.passed()


def test_csv_has_one_head_and_a_row_per_report(capsys, go, no_go):
    """Following reports are written under the head of the first ones."""
    show = listing("csv", following=True)
    show([go])
    show([no_go])
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))

    assert [row["verdict"] for row in rows] == ["GO", "NO-GO"]
    assert tuple(rows[0]) == COLUMNS
    assert rows[1]["blocked_by"].split()[0] == "tokens"


@pytest.mark.parametrize("evil", ["=cmd()", "+1", "-1", "@x", "\t=cmd()"])
def test_csv_holds_no_formula(capsys, report, line, evil):
    """A spreadsheet takes what a check says for text."""
    listing("csv", following=False)([report(line("one", 0, "failed", evil))])

    assert next(csv.DictReader(io.StringIO(capsys.readouterr().out)))["message"][0] == "'"


def test_json_is_an_array_and_one_report_per_line_while_following(capsys, go, no_go):
    """A list is one document; a stream is one document per line."""
    listing("json", following=False)([go, no_go])
    assert json.loads(capsys.readouterr().out) == [go.to_json(), no_go.to_json()]

    listing("json", following=True)([go, no_go])
    assert [json.loads(text) for text in capsys.readouterr().out.splitlines()] == [go.to_json(), no_go.to_json()]


@pytest.mark.parametrize("columns", ["40", "80", "140"])
def test_every_report_is_listed_with_its_whole_id_and_reason(capsys, monkeypatch, go, no_go, columns):
    """At any width the id can be copied, and a NO-GO says which checks blocked."""
    monkeypatch.setenv("COLUMNS", columns)
    listing("human", following=False)([no_go, go])
    said = capsys.readouterr().out

    assert said.count(str(go.id)) == 2
    assert "tokens failed" in said


def test_an_empty_list_says_so(capsys):
    """Nothing found is an answer too."""
    listing("human", following=False)([])

    assert capsys.readouterr().out == "No report matches.\n"


def test_a_description_tells_what_a_check_declares():
    """Name, tier, events, cache, parameters, remediation and source are in the JSON; secrets are masked."""
    description = descriptions.describe(TargetCheck())

    assert description["summary"] == "Ask the | target."
    assert description["event_types"] == ["poll_launch"]
    assert (description["priority"], description["cache_ttl"], description["cache_scope"]) == (7, 30.0, "global")
    assert description["remediation"] == "Mend it."
    assert description["parameters"][1] == {
        "name": "path",
        "type": "str",
        "default": "/",
        "limits": "",
        "meaning": "where it is",
    }
    assert description["parameters"][2]["limits"] == "0 to 100"
    assert description["registered"] == "Always."
    assert "hunter2" not in json.dumps(description)
    assert __file__ in description["source"]


def test_a_check_without_docstring_and_a_function_are_described(console):
    """A dataclass's generated docstring is no summary; a function's own docstring is."""

    def question(context):
        """Ask something."""

    plain = dataclasses.make_dataclass("Plain", [("path", str, "/")], bases=(PreFlightCheck,), kw_only=True)
    plain.name = "plain"

    assert descriptions.describe(plain())["summary"] == ""
    described = descriptions.describe(FunctionCheck(name="one", priority=0, function=question))
    assert described["summary"] == "Ask something."
    assert "Ask something." in "\n".join(line.plain for line in descriptions.page(console(), described))


def test_markdown_of_the_registry_is_a_table_with_text_only():
    """A pipe in a docstring opens no cell."""
    text = descriptions.table([descriptions.describe(TargetCheck())], [])

    assert text.splitlines()[2].startswith("| 7 | target | Ask the \\| target. | poll\\_launch | 5 s |")


@pytest.mark.parametrize(
    ("events", "brought", "required", "short", "long"),
    [
        (None, False, False, "all", "all event types"),
        (None, False, True, "all", "all event types; also the action change, which requires it"),
        (("sale",), False, True, "sale, action change", "sale; also the action change, which requires it"),
        (None, True, False, "trigger roll", 'the trigger roll: its event type, or metadata {"handler": "roll"}'),
        (
            ("sale",),
            True,
            False,
            "trigger roll: sale",
            'the trigger roll: its event type, or metadata {"handler": "roll"}, if the event type is sale',
        ),
    ],
)
def test_who_asks_a_check_is_told(events, brought, required, short, long):
    """Event types, the handler that brought it, and those that require it."""
    trigger = Registered(handler=None, kind="trigger", type="roll") if brought else None
    actions = (Registered(handler=None, kind="action", type="change"),) if required else ()

    told = describe(TargetCheck(event_types=events), ties=Ties(brought_by=trigger, required_by=actions))

    assert (events_of(told), runs_of(told)) == (short, long)
