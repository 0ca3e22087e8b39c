"""The first question of a worker's process costs what the others cost: everything is loaded before."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from preflight.campaign import sample

#: A process that loads checks as a worker does, asks one of them, and tells which modules that loaded.
ASKING = f"""
import asyncio, sys, uuid
from preflight.context import CheckContext
from preflight.registry import default_registry
from worker.signals import warm_up_checks

warm_up_checks()
check, loaded = default_registry().get(sys.argv[1]), set(sys.modules)
context = CheckContext(
    mode="full", event_type="dice_roll", campaign_id=uuid.UUID("{sample.WELL.id}"),
    metadata={{"gamification_event_id": "{sample.GROUP_EVENT}"}},
)
answer = asyncio.run(check.execute(context))
print(answer.status.value, *sorted(set(sys.modules) - loaded))
"""


@pytest.mark.parametrize("name", ["twitch_api", "tokens", "vtt_connection", "cooldown", "gamification_config"])
def test_the_first_question_loads_nothing(values, name):
    """Neither Twitch's client nor the database's: their imports take longer than a tenth of the checks' time."""
    told = {f"PREFLIGHT_{key.upper()}": str(value) for key, value in values.items() if key != "packs"}
    outer = {key: value for key, value in os.environ.items() if not key.startswith("PREFLIGHT_")}
    command = [sys.executable, "-c", ASKING, name]

    done = subprocess.run(
        command, env=outer | told | {"PREFLIGHT_PACKS": "campaign"}, capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == ["passed"], done.stdout
