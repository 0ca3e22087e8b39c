"""An application that ends right after its light calls. It prints their ids."""

from __future__ import annotations

import sys

from acceptance.stranger_checks import EVENT

from preflight import runner

for _ in range(20):
    run = runner.run(mode="light", event_type=EVENT, only=["alpha"], metadata={"do": {"alpha": "passes"}})
    sys.stdout.write(f"{run.id}\n")
