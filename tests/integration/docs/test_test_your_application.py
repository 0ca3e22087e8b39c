"""The how-to about testing an application: what it shows works, without any server."""

from __future__ import annotations

import os
import subprocess
import sys

import documents
import pytest
from documents import DOCS

PAGE = DOCS / "how-to" / "test-your-application.md"
ALONE = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
SALE, WITH_PYTEST, WITHOUT = documents.blocks("python", PAGE)


@pytest.fixture
def application(tmp_path):
    """Return the folder of the page's application."""
    (tmp_path / "sale.py").write_text(SALE.text)
    return tmp_path


def run(application, *arguments):
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=application,
        timeout=60,
        env=ALONE,
    )


def test_the_tests_of_the_page_pass(application):
    """The fixture is found, and the application's checks are never asked."""
    (application / "test_sale.py").write_text(WITH_PYTEST.text)

    # Other plugins than ours take seconds to load.
    done = run(application, "-m", "pytest", "-q", "-p", "preflight.pytest_plugin", "-p", "no:cacheprovider")

    assert "3 passed" in done.stdout, done.stdout


def test_the_block_without_pytest_works(application):
    """A context manager is all that other test runners need."""
    (application / "with_block.py").write_text(WITHOUT.text)

    done = run(application, "with_block.py")

    assert (done.returncode, done.stderr) == (0, "")


def test_every_call_is_listed():
    """The table names every method that a test may call."""
    from preflight import testing

    named = {row[0].strip("`").partition("(")[0] for row in documents.rows(PAGE) if row[0].startswith("`")}
    calls = {name for name in vars(testing.Answers) if not name.startswith("_")} - {"of", "stopping"}

    assert named == calls
