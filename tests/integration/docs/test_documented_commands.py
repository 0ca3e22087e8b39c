"""Every command that a page shows is run as a reader would run it."""

from __future__ import annotations

import documents
import pytest
from documents import DOCS, ROOT
from terminals import Terminal, stays

HOW_TO = DOCS / "how-to" / "write-a-check.md"
PRODUCTION = DOCS / "how-to" / "run-in-production.md"

#: Lines that are not run as they stand, and where what they do is run instead.
ELSEWHERE = {
    "make demo": "its command is run by test_make_demo_stays_until_ctrl_c",
    "make demo ONCE=1": "its command is run by test_make_demo_once_is_go",
    "make test": "it runs this test; test_make_test_resolves sees that it exists",
    "preflight admin": "it is run by test_the_page_is_served_until_it_is_asked_to_stop",
    "preflight up": "it runs beside all tests of this package",
}
#: Run by test_production.py, in order and against servers of its own.
WHOLE = {PRODUCTION}
BLOCKS = [block for block in documents.blocks("sh") if block.page not in WHOLE]
SCRIPTS = [block for block in BLOCKS if not set(block.lines) & ELSEWHERE.keys()]


@pytest.fixture
def terminal(tmp_path):
    """Return a terminal without a running system."""
    return Terminal(tmp_path)


@pytest.fixture(scope="module")
def shop(reader):
    """Put the first check of the how-to where it says."""
    (reader.folder / "shop").mkdir()
    (reader.folder / "shop" / "checks.py").write_text(documents.blocks("python", HOW_TO)[0].text)


def test_every_line_is_run_somewhere():
    """A block is run as a whole, or each of its lines is run elsewhere; no reason outlives its line."""
    every = {line for block in BLOCKS for line in block.lines}
    run = {line for block in SCRIPTS for line in block.lines}

    assert every - run == ELSEWHERE.keys()


@pytest.mark.parametrize("block", SCRIPTS, ids=str)
def test_a_documented_block_runs(block, reader, shop):
    """The commands of a block do what they are said to do: exit code 0, and nothing on stderr."""
    done = reader.run(block.text)

    assert (done.returncode, done.stderr) == (0, ""), done.stdout


def test_the_check_of_the_how_to_is_found(reader, shop):
    """What the page tells to export makes its check known."""
    (block,) = documents.blocks("sh", HOW_TO)

    found = reader.run(block.text).stdout

    assert "shop_database" in found
    assert "could not be used" not in found


def test_a_sample_run_is_stored_and_listed(reader):
    """What `preflight run` showed is among the stored reports."""
    report = reader.run(
        "preflight run poll_launch --format json | python -c 'import json, sys; print(json.load(sys.stdin)[\"id\"])'"
    )
    assert report.returncode == 0

    listed = reader.run(f"until preflight report {report.stdout.strip()} --format json; do :; done")

    assert f'"id": "{report.stdout.strip()}"' in listed.stdout


def resolved(words, terminal):
    """Return the commands that make would run for a target, without running them."""
    done = terminal.run(f"make --no-print-directory -n -C {ROOT} {words}")
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_make_demo_once_is_go(terminal):
    """`make demo ONCE=1` is `preflight demo --once`, which shows a GO and leaves nothing running."""
    command = resolved("demo ONCE=1", terminal)[-1]
    assert command.endswith("/bin/preflight demo --once")

    done = terminal.run("preflight demo --once")

    assert done.returncode == 0, done.stderr
    assert "GO  poll_launch may go ahead" in done.stdout


def test_make_demo_stays_until_ctrl_c(terminal):
    """`make demo` is `preflight demo`: one run, then the addresses, and it stays; commands find it meanwhile."""
    command = resolved("demo", terminal)[-1].rstrip()
    assert command.endswith("/bin/preflight demo")

    with terminal.running("preflight demo", stays) as demo:
        assert "GO  poll_launch may go ahead" in demo.said
        again = terminal.run("preflight run poll_launch --only websocket")
        assert again.returncode == 0, again.stderr
    assert demo.process.returncode == 0


def test_make_test_resolves(terminal):
    """`make test` looks at style and types, then runs every test."""
    commands = "\n".join(resolved("test", terminal))

    for word in ("ruff check", "mypy", "lint-imports", "-m pytest"):
        assert word in commands
