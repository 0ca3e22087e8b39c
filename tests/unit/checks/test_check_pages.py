"""The pages of checks: made from the checks, and current."""

from __future__ import annotations

import importlib.util

import documents
import pytest
from documents import DOCS

from preflight import CheckResult, Example, PreFlightCheck, Status
from preflight.cli import check_pages
from preflight.cli.descriptions import describe

HERE = DOCS / "checks"


def generated():
    """Return what `make docs-checks` would write, by file."""
    spec = importlib.util.spec_from_file_location("pages", HERE / "pages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.pages()


class PrinterCheck(PreFlightCheck):
    """Ask | the <printer>, as `lpstat -p <name>` does."""

    name = "printer"
    priority = 5
    requires = ("campaign_id",)
    default_remediation = "Switch it on."
    permissions = "+print"
    examples = (
        Example(Status.PASSED, "<laser> prints"),
        Example(Status.FAILED, "<laser> is out of <paper>", "Buy <paper>."),
    )

    def execute(self, context):
        """Pass."""
        return CheckResult.passed("laser prints")


def test_the_pages_are_those_of_the_code():
    """Every page of docs/checks is what its check says today; `make docs-checks` writes them anew."""
    written = {page.name: page.read_text() for page in HERE.glob("*.md")}

    assert written == generated(), "run make docs-checks"


def test_a_page_tells_everything_about_a_check():
    """What it asks, needs and answers is on its page; what varies is shown as an example of it."""
    page = check_pages.page(describe(PrinterCheck()))
    rows = page.splitlines()

    assert rows[0] == "# `printer`"
    assert "Ask \\| the &lt;printer>, as `lpstat -p <name>` does." in page
    assert "| tier | 5 |" in rows
    assert "| needs | `+print` |" in rows
    assert "| registered | Always. |" in rows
    assert "| passed | laser prints | |" in rows
    assert "| failed | laser is out of paper | Buy paper. |" in rows
    assert "| skipped | in a light run: the run has no campaign_id | |" in rows
    assert rows[-1].startswith("| error | said by the engine")
    assert rows[-1].endswith("| Switch it on. |")


@pytest.mark.parametrize(
    ("result", "fits"),
    [
        (CheckResult.failed("laser is out of ink", remediation="Buy ink."), True),
        (CheckResult.failed("laser is out of ", remediation="Buy ink."), False),
        (CheckResult.failed("laser is out of ink", remediation="Throw it away."), False),
        (CheckResult.failed("laser is out of ink"), False),
        (CheckResult.errored("laser is out of ink", remediation="Buy ink."), False),
    ],
)
def test_an_example_matches_answers_of_its_kind(result, fits):
    """Status, message and remediation must be those of the example, except for what varies."""
    assert PrinterCheck.examples[1].matches(result) is fits


def test_every_check_that_ships_has_a_page_and_a_test_of_its_own():
    """A file in preflight/checks has one page, and one test file."""
    for check in check_pages.shipped():
        if type(check).__module__.startswith("preflight.checks."):
            assert (HERE / f"{check.name}.md").is_file()
            tests = documents.ROOT / "tests" / "integration" / "checks"
            assert (tests / f"test_{check.name}_check.py").is_file()
