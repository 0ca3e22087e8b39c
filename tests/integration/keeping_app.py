"""A process that keeps reports which no Redis knows, prints their ids, and ends when its input does."""

from __future__ import annotations

import datetime as dt
import sys

from preflight import keeping
from preflight.engine.caller import new_run_id
from preflight.settings import settings
from preflight.types import CheckReport, PreFlightReport, Status

LINE = CheckReport(name="broker", priority=0, status=Status.ERROR)

for _ in range(int(sys.argv[1])):
    report = PreFlightReport(
        id=new_run_id(),
        mode="full",
        event_type="poll_launch",
        checks=(LINE,),
        created_at=dt.datetime.now(dt.UTC),
        duration_ms=1,
    )
    keeping.keep(report, settings())
    sys.stdout.write(f"{report.id}\n")
sys.stdout.write("kept\n")
sys.stdout.flush()
sys.stdin.read()
