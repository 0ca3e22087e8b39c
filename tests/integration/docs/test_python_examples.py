"""The Python that README, quickstart and how-to show for calling the gate is executed against a running system."""

from __future__ import annotations

import json

import documents
import pytest
from documents import DOCS, README

import preflight.embedded

PAGES = (README, DOCS / "quickstart.md", DOCS / "how-to" / "call-the-gate.md")
EXAMPLES = documents.blocks("python", *PAGES)

#: Runs the example of the file named first, with the names that an application would have, and says what came of it.
PLAYER = """
import ast, asyncio, json, os, sys, types, uuid
from preflight import runner

thing = types.SimpleNamespace(id=uuid.uuid4())
called = []
names = {
    "runner": runner, "campaign": thing, "user": thing, "redis_url": os.environ["PREFLIGHT_REDIS_URL"],
    "launch": lambda: called.append("launch"), "show": lambda report: called.append("show"),
    "warehouse": types.SimpleNamespace(items=lambda: 3),
}
code = compile(open(sys.argv[1]).read(), sys.argv[1], "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
waits = eval(code, names)
if waits is not None:
    asyncio.run(waits)
if "run" in names:
    names["report"] = names["run"].report(timeout=60)
report = names.get("report")
verdict = report["verdict"] if isinstance(report, dict) else getattr(report, "verdict", None)
asked = names["StockCheck"]().execute(None).status if "StockCheck" in names else None
print(json.dumps({"called": called, "verdict": verdict, "asked": asked}))
"""


@pytest.fixture
def play(reader, tmp_path):
    """Return a function that executes an example as an application with the settings of the running system."""
    (tmp_path / "player.py").write_text(PLAYER)

    def played(example):
        (tmp_path / "example.py").write_text(example.text)
        found = preflight.embedded.running(reader.home)
        return reader.run(f"python {tmp_path}/player.py {tmp_path}/example.py", **found)

    return played


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_an_example_does_what_the_page_says(example, play):
    """A run is GO, the application launches, the check answers: each example has one of these outcomes."""
    done = play(example)

    assert done.returncode == 0, done.stderr
    came = json.loads(done.stdout)
    assert {"verdict": "GO"}.items() <= came.items() or came["called"] == ["launch"] or came["asked"] == "passed"
