"""What a light call does in its caller's thread, as Python's own audit sees it: nothing that can wait."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SCRIPT = """
import os, sys, threading, uuid
from preflight import runner

HARMLESS = {"builtins.id", "object.__getattr__", "marshal.dumps"}  # of copying the arguments
seen, caller, traced = [], threading.get_ident(), False

def note(event, arguments):
    if traced and threading.get_ident() == caller:
        seen.append((event, str(arguments)[:80]))

sys.addaudithook(note)
traced = True
open(os.devnull).close()
traced = False
assert [event for event, _ in seen] == ["open"], "the audit sees nothing"
seen.clear()
runner.default._light._capacity = int(sys.argv[1])
details = {"campaign_id": uuid.uuid4(), "streamer_ids": ["7", "8"], "metadata": {"depth": {"of": [1, 2]}}}
for call in range(200):
    traced = True
    runner.run(mode="light", event_type="dice_roll", **details)
    runner.run(mode="light", event_type=call)
    traced = False
print(*sorted({f"{event} {arguments}" for event, arguments in seen if event not in HARMLESS}), sep="\\n", flush=True)
os._exit(0)  # nothing is there to flush the calls to
"""


@pytest.mark.parametrize("capacity", ["10000", "0"], ids=["queued", "queue full"])
def test_a_light_call_opens_imports_and_connects_nothing_in_its_callers_thread(capacity):
    """From the very first call on, with a broker that is away: all that is audited is the start of the one thread."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, capacity],
        env=os.environ | {"PREFLIGHT_REDIS_URL": "redis://127.0.0.1:1/0"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    audited = {line.split(" ")[0] for line in done.stdout.splitlines() if line}
    assert audited <= {"_thread.start_new_thread", "_thread.start_joinable_thread"}, done.stdout  # its name since 3.13
