"""A report as other programs read it: JSON, JUnit, GitHub's workflow commands, Markdown."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from preflight.cli.human import sentence, to_do

if TYPE_CHECKING:
    from preflight.types import CheckReport, PreFlightReport

#: Everything that XML 1.0 does not allow.
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]")


def as_json(value: Any) -> str:
    """Return a JSON document. It is ASCII where stdout cannot show more, so that it stays valid everywhere."""
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower().replace("-", "")
    return json.dumps(value, indent=2, ensure_ascii=encoding != "utf8", allow_nan=False)


def report_as(report: PreFlightReport, output: str) -> str:
    """Return a report in one of the formats `json`, `junit`, `github`, `markdown`."""
    writers = {"junit": junit, "github": github, "markdown": markdown}
    return writers[output](report) if output in writers else as_json(report.to_json())


def junit(report: PreFlightReport) -> str:
    """Return a JUnit document with one suite and a case per check.

    An advisory check never fails its case: a build must not turn red because of what does not block.
    """
    suite = ET.Element("testsuite", _attributes(report))
    properties = ET.SubElement(suite, "properties")
    for name in ("id", "mode", "event_type", "campaign_id", "verdict", "triggered_by"):
        ET.SubElement(properties, "property", name=name, value=_xml(str(getattr(report, name) or "")))
    for check in report.checks:
        suite.append(_case(check))
    if not report.success and not report.blocking:
        suite.append(_nothing_asked(report))
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    document: bytes = ET.tostring(root, encoding="us-ascii", xml_declaration=True)
    return document.decode("ascii")


def _attributes(report: PreFlightReport) -> dict[str, str]:
    unasked = not report.success and not report.blocking
    return {
        "name": _xml(f"preflight {report.event_type}"),
        "tests": str(len(report.checks) + unasked),
        "failures": str(sum(check.status == "failed" for check in report.blocking) + unasked),
        "errors": str(sum(check.status == "error" for check in report.blocking)),
        "skipped": str(sum(check.status == "skipped" for check in report.checks)),
        "time": f"{report.duration_ms / 1000:.3f}",
        "timestamp": report.created_at.strftime("%Y-%m-%dT%H:%M:%S"),
    }


def _case(check: CheckReport) -> ET.Element:
    seconds = f"{(check.duration_ms or 0) / 1000:.3f}"
    case = ET.Element("testcase", name=_xml(check.name), classname=f"preflight.tier_{check.priority}", time=seconds)
    if check.blocks:
        tag = "failure" if check.status == "failed" else "error"
        outcome = ET.SubElement(case, tag, message=_xml(_said(check)), type=check.status.value)
        outcome.text = _xml("\n".join(_details(check)))
    elif check.status == "skipped":
        ET.SubElement(case, "skipped", message=_xml(check.skipped_because or check.message))
    else:
        text = ET.SubElement(case, "system-out")
        text.text = _xml("\n".join(_details(check)))
    return case


def _nothing_asked(report: PreFlightReport) -> ET.Element:
    case = ET.Element("testcase", name="verdict", classname="preflight", time="0.000")
    ET.SubElement(case, "failure", message=_xml(sentence(report)), type="failed")
    return case


def _said(check: CheckReport) -> str:
    return check.message or check.error or check.status.value


def _details(check: CheckReport) -> Iterator[str]:
    advisory = " (advisory)" if check.severity == "advisory" else ""
    yield f"{check.status.value}{advisory}: {_said(check)}"
    if check.error and check.error not in _said(check):
        yield check.error
    yield from (f"warning: {warning}" for warning in check.warnings if warning != check.message)
    if check.remediation:
        yield f"To do: {check.remediation}"


def _xml(text: str) -> str:
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def github(report: PreFlightReport) -> str:
    """Return GitHub's workflow commands: an error for what blocks, a warning for remarks, and a line that sums up."""
    lines = [_annotation(check) for check in report.checks if check.blocks or _remarked(check)]
    if not report.success and not report.blocking:
        lines.append(f"::error title={_property('preflight')}::{_data(sentence(report))}")
    final = " ".join([f"{report.verdict}: {sentence(report)}", *to_do(report), f"Report {report.id}."])
    return "\n".join([*lines, final])


def _remarked(check: CheckReport) -> bool:
    return check.status in {"warning", "failed", "error"}


def _annotation(check: CheckReport) -> str:
    level = "error" if check.blocks else "warning"
    title = f"preflight {check.name} {check.status.value}"
    return f"::{level} title={_property(title)}::{_data(chr(10).join(_details(check)))}"


def _data(text: str) -> str:
    """Escape a message: after this it cannot end its own command and start another."""
    text = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def markdown(report: PreFlightReport) -> str:
    """Return a report as Markdown, for an issue or a job's summary."""
    head = [f"## {report.verdict}: {cell(sentence(report))}", "", *(f"- {cell(line)}" for line in to_do(report)), ""]
    table = ["| tier | status | check | answer | queue ms | run ms |", "| ---: | --- | --- | --- | ---: | ---: |"]
    rows = [
        f"| {check.priority} | {check.status.value} | `{check.name}` | {cell(check.skipped_because or _said(check))} "
        f"| {_number(check.queue_ms)} | {_number(check.duration_ms)} |"
        for check in report.checks
    ]
    return "\n".join([*head, *table, *rows, "", f"Report `{report.id}`, {report.duration_ms} ms."])


def cell(text: str) -> str:
    """Return text that is only text in a Markdown table: no markup, no new cell, no new line."""
    from preflight.cli.text import plain

    return re.sub(r"([\\`*_{}\[\]<>#|~!&])", r"\\\1", plain(text))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"
