"""What other programs read: JSON, JUnit, GitHub's workflow commands, Markdown."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from preflight.cli.formats import github, junit, markdown, report_as
from preflight.types import Severity

ANY_TEXT = st.text(alphabet=st.characters(), max_size=60)


def test_json_is_the_report_itself(no_go):
    """The JSON output is the object that task result, API and table hold."""
    assert json.loads(report_as(no_go, "json")) == no_go.to_json()


def test_junit_has_a_case_per_check_with_its_outcome(no_go):
    """Failed is a failure, error an error, skipped skipped, and the suite counts them."""
    suite = ET.fromstring(junit(no_go)).find("testsuite")
    outcomes = {case.get("name"): [child.tag for child in case] for case in suite.findall("testcase")}

    assert outcomes["tokens"] == ["failure"]
    assert outcomes["v" * 64] == ["error"]
    assert outcomes["cooldown"] == ["skipped"]
    assert outcomes["redis"] == ["system-out"]
    assert [suite.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["5", "1", "1", "1"]
    assert "To do: Sign in again." in suite.find("testcase[@name='tokens']/failure").text


def test_junit_of_a_go_is_green_even_with_an_advisory_failure(go):
    """What does not block does not turn a build red; it is told in the case's output."""
    suite = ET.fromstring(junit(go)).find("testsuite")

    assert suite.get("failures") == suite.get("errors") == "0"
    assert "failed (advisory): schema is behind" in suite.find("testcase[@name='migrations']/system-out").text


def test_junit_of_a_run_that_asked_nothing_is_red(report, line):
    """A NO-GO is never a green suite: without a blocking check the verdict itself is the failing case."""
    suite = ET.fromstring(junit(report(line("vtt", 5, "skipped", skipped_because="no")))).find("testsuite")

    assert suite.get("failures") == "1"
    assert suite.get("tests") == str(len(suite.findall("testcase"))) == "2"


@given(ANY_TEXT, ANY_TEXT)
def test_junit_is_valid_xml_whatever_a_check_says(report, line, message, error):
    """Control characters, surrogates and non-characters become replacements; everything else survives."""
    checks = (line("one", 0, "failed", message, error=error, remediation=error), line("two", 1, "passed", message))

    suite = ET.fromstring(junit(report(*checks))).find("testsuite")

    assert len(suite.findall("testcase")) == 2


def test_github_annotates_what_blocks_as_error_and_remarks_as_warning(no_go, go):
    """Errors and warnings are workflow commands, the last line sums up with verdict, advice and id."""
    *commands, final = github(no_go).splitlines()

    assert [command.partition(" ")[0] for command in commands] == ["::warning", "::error", "::error"]
    assert final.startswith("NO-GO: poll_launch must not go ahead: tokens failed and ")
    assert "Sign in again." in final
    assert str(no_go.id) in final
    assert [command.partition(" ")[0] for command in github(go).splitlines()[:-1]] == ["::warning", "::warning"]


def test_github_escapes_what_would_end_a_command(report, line):
    """Percent, line ends, and in titles colon and comma are written as GitHub asks."""
    command = github(report(line("a:b,c", 0, "failed", "100 %\r\n::error::x, y: z"))).splitlines()[0]

    assert command == ("::error title=preflight a%3Ab%2Cc failed::failed: 100 %25%0D%0A::error::x, y: z")


@given(ANY_TEXT)
def test_no_check_can_write_a_workflow_command_of_its_own(report, line, text):
    """Whatever a check says, the output is one line per annotation and one that sums up."""
    said = github(report(line("one", 0, "failed", f"{text}\n::set-env::x", remediation=f"\r\n::stop-commands::{text}")))

    assert said.count("\n") == 1
    assert "\r" not in said
    assert said.splitlines()[1].startswith("NO-GO: ")


def test_markdown_shows_text_as_text(report, line):
    """A check cannot open a cell, a link or a tag in the Markdown of its report."""
    said = markdown(report(line("one", 0, "failed", "a | b\n# c <img> [x](y)", severity=Severity.BLOCKING)))

    row = next(row for row in said.splitlines() if "`one`" in row)
    assert "a \\| b \\# c \\<img\\> \\[x\\](y)" in row
