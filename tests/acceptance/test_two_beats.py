"""More than one beat: with redbeat one sends and another takes over; without it, jobs are done once all the same."""

from __future__ import annotations

import itertools
import json

from acceptance.processes import eventually

BEAT = ("-A", "worker", "beat", "--pidfile=", "--loglevel", "INFO")


def last(trial, job):
    """Return when a job was done last, in ms; 0 before."""
    return int(trial.client.hget(trial.keys["beat"], job) or 0)


def test_a_second_redbeat_takes_over(trial):
    """The one that waits gets the lock when the other is killed, and the jobs go on."""
    trial.worker()
    first = trial.celery(*BEAT, "-S", "redbeat.RedBeatScheduler")
    eventually(lambda: "Acquired lock" in first.log, "the first beat has the lock", lambda: first.log)
    second = trial.celery(*BEAT, "-S", "redbeat.RedBeatScheduler")
    eventually(lambda: last(trial, "tick"), "beat's tick is noted")
    eventually(lambda: "beat: Starting" in second.log, "the second beat waits")
    assert "Acquired lock" not in second.log
    first.kill()
    noted = last(trial, "tick")

    eventually(lambda: "Acquired lock" in second.log, "the second beat has the lock", lambda: second.log)
    eventually(lambda: last(trial, "tick") > noted, "the tick goes on")
    second.kill()
    trial.client.delete(*trial.client.keys(f"{trial.namespace}:redbeat:*"))


def test_two_ordinary_beats_do_nothing_twice(trial, tmp_path):
    """Both send every job; a day's purge and an hour's partitions are done once, sweeps keep their distance."""
    worker = trial.worker(PREFLIGHT_SWEEP_SECONDS="5")
    beats = [
        trial.celery(*BEAT, "--schedule", str(tmp_path / name), PREFLIGHT_SWEEP_SECONDS="5") for name in ("a", "b")
    ]
    for task in ("preflight.purge", "preflight.partitions") * 2:
        trial.send(task)
    eventually(lambda: last(trial, "purge") and last(trial, "partitions"), "both jobs are done", lambda: worker.log)
    done = last(trial, "purge")
    for many in (2, 4):
        eventually(lambda many=many: len(sweeps(trial)) >= many, f"{many} sweeps", lambda: worker.log[-2000:])
    for beat in beats:
        beat.kill()

    ats = [report.created_at for report in sweeps(trial)]
    gaps = [(later - earlier).total_seconds() for later, earlier in itertools.pairwise(ats)]
    assert min(gaps) >= 0.75 * 5, json.dumps(gaps)
    assert last(trial, "purge") == done


def sweeps(trial):
    """Return the reports of sweeps, newest first."""
    return [report for report in trial.store.page() if report.event_type == "health_sweep"]
