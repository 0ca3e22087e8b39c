"""The how-to about writing a check: what it shows works."""

from __future__ import annotations

import asyncio
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from preflight.context import CheckContext
from preflight.declaration import FunctionCheck, PreFlightCheck
from preflight.exceptions import InvalidRun
from preflight.parameters import with_parameters
from preflight.registry import PreFlightRegistry
from preflight.types import Status

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "write-a-check.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
EVEN, TEMPLATE, TEMPLATE_TEST = BLOCKS[-3:]
CONTEXT = CheckContext(mode="full", event_type="sale_launch", metadata={"number": 4, "hour": 10, "items": []})


@pytest.fixture
def page(tmp_path, monkeypatch):
    """Return the page's checks by name, each block imported as a module of its own."""
    monkeypatch.syspath_prepend(tmp_path)
    found = {}
    for number, block in enumerate(BLOCKS[:-1]):
        name = f"how_to_{tmp_path.name}_{number}".replace("-", "_")
        # The decorator registers at once; a registry of ours keeps the process's own clean.
        text = block.replace("@check(", "@check(registry=REGISTRY, ")
        (tmp_path / f"{name}.py").write_text(f"import preflight\nREGISTRY = preflight.PreFlightRegistry()\n{text}")
        for value in vars(__import__(name)).values():
            if isinstance(value, FunctionCheck):
                found[value.name] = value
            elif inspect.isclass(value) and issubclass(value, PreFlightCheck) and value is not PreFlightCheck:
                found[value().name] = value()
    return found


def test_every_check_of_the_page_can_be_registered(page):
    """The page's checks are declared as the registry wants them."""
    registry = PreFlightRegistry()
    for check in page.values():
        registry.register(check)

    assert {check.name for check in registry} == {
        "shop_database", "stock", "opening_hours", "printer", "bad", "good", "even", "licence"
    }  # fmt: skip


def test_every_check_of_the_page_answers(page):
    """The good ones answer with advice for every no; the bad one raises, as the page says."""
    with pytest.raises(ConnectionError):
        page.pop("bad").execute(CONTEXT)
    for check in page.values():
        result = check.execute(CONTEXT)
        result = asyncio.run(result) if inspect.iscoroutine(result) else result
        assert result.message
        assert result.remediation or result.status is Status.PASSED


def test_the_parameters_of_the_page_work(page):
    """What the page calls a parameter is one, and what it protects is not."""
    assert with_parameters("stock", page["stock"], {"at_least": "0"}).execute(CONTEXT).status is Status.PASSED
    with pytest.raises(InvalidRun):
        with_parameters("stock", page["stock"], {"warehouse": "other"})


def test_the_tests_of_the_page_pass(tmp_path):
    """A test is a file as it stands; the template's finds the template where the page says to put it."""
    (tmp_path / "test_even.py").write_text(EVEN)
    (tmp_path / "test_licence.py").write_text(TEMPLATE_TEST)
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "licence.py").write_text(TEMPLATE)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    # Plugins take seconds to load.
    alone = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(tmp_path)}

    done = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, check=False, env=alone)

    assert "7 passed" in done.stdout, done.stdout
