"""The control arm's application: a plain Celery chord per run, three checks in the header, the verdict in the body.

As installed, or (`CONTROL_CAREFUL=yes`) with what is recommended against loss: late acknowledgement, rejection when a
worker is lost, prefetch 1, messages given back after 10 s.
"""

from __future__ import annotations

import os
import time

from celery import Celery, chord
from faults.battery import lines

app = Celery("control", broker=os.environ["CONTROL_REDIS_URL"], backend=os.environ["CONTROL_REDIS_URL"])
app.conf.update(broker_connection_retry_on_startup=True, task_default_queue="control")
if os.environ["CONTROL_CAREFUL"] == "yes":
    app.conf.update(
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        broker_transport_options={"visibility_timeout": 10, "unacked_restore_interval": 1},
    )


@app.task(name="control.ask")
def ask(run: str, check: str, seconds: float, truth: str) -> str:
    """Answer after a time, and write down when it began and ended."""
    lines.append(truth, run=run, check=check, said="asked", pid=os.getpid())
    time.sleep(seconds)
    lines.append(truth, run=run, check=check, said="passed", pid=os.getpid())
    return "passed"


@app.task(name="control.finish")
def finish(answers: list[str], run: str, ended: str) -> bool:
    """Write down that the run has its verdict."""
    lines.append(ended, run=run, note="ended", at=time.time())
    return all(answer == "passed" for answer in answers)


def start(run: str, seconds: float, truth: str, ended: str) -> None:
    """Start a run."""
    lines.append(ended, run=run, note="started", at=time.time())
    header = [ask.s(run, check, seconds, truth) for check in ("alpha", "beta", "five")]
    chord(header)(finish.s(run, ended))
