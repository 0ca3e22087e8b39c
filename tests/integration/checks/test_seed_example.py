"""The example of the how-to, translated from the first description of the system, works as written."""

from __future__ import annotations

import importlib.util

import documents
import pytest
from documents import DOCS
from integration.checks.conftest import CONTEXT

from preflight import PreFlightCheck, PreFlightRegistry
from preflight.engine.execution import fenced

EXAMPLE = documents.blocks("python", DOCS / "how-to" / "write-a-check.md")[0].text
ADDRESS = "postgresql+psycopg2://shop:secret@localhost/shop"


@pytest.fixture
def example(tmp_path):
    """Return the function that writes the example with another address and returns its check, registered."""

    def write(url):
        file = tmp_path / "shop_checks.py"
        file.write_text(EXAMPLE.replace(ADDRESS, url))
        spec = importlib.util.spec_from_file_location("shop_checks", file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        made.append(module.engine)
        registry = PreFlightRegistry()
        registry.register(module.ShopDatabaseCheck())
        return registry.get("shop_database")

    made = []
    assert ADDRESS in EXAMPLE
    yield write
    for engine in made:
        engine.dispose()


def test_a_healthy_database_passes(example, database_url):
    """A query that is answered is a yes, in the example's own words."""
    check = example(database_url.replace("postgresql:", "postgresql+psycopg2:"))

    answer = fenced(check, CONTEXT, check.timeout)

    assert isinstance(check, PreFlightCheck)
    assert (answer["status"], answer["message"]) == ("passed", "Database connection healthy")


def test_a_database_that_is_away_fails(example, refused_port):
    """It never raises: the answer says what is wrong, and what to do."""
    check = example(f"postgresql+psycopg2://u:canary@127.0.0.1:{refused_port}/shop")

    answer = fenced(check, CONTEXT, check.timeout)

    assert (answer["status"], answer["message"]) == ("failed", "Database connection failed")
    assert answer["error"] == "OperationalError"
    assert answer["remediation"]
    assert "canary" not in repr(answer)
