"""A Celery whose messages are not those that scripts push: runs go on, published by who wins a step."""

from __future__ import annotations

import contextlib
import json
import logging

from preflight.context import RunRequest
from preflight.engine.caller import Caller, new_run_id
from preflight.engine.celery_app import create_app
from preflight.engine.contract import compare
from preflight.engine.dispatch import dispatch_for
from preflight.engine.handle import FullRun
from preflight.engine.messages import Sending, build, filled
from preflight.engine.plan import plan


def of_another_kombu(settings):
    """Return how a message with a further header differs from ours."""
    sending = Sending("r", "alpha", "1", 6.5, settings.namespace)
    text = filled(build(create_app(settings), sending.queue), sending)
    message = json.loads(text)
    message["headers"]["compression"] = "zstd"
    return compare(text, json.dumps(message))


def test_a_contract_that_does_not_hold_changes_no_verdict(trial, caplog):
    """One line says so; every tier is asked once by an ordinary worker, GO or NO-GO, and stored."""
    with caplog.at_level(logging.WARNING):
        dispatch = dispatch_for(trial.settings, of_another_kombu)

    with contextlib.closing(Caller(trial.settings, dispatch)) as caller:
        for answer, verdict in (("passes", "GO"), ("fails", "NO-GO")):
            story = trial.story({"alpha": "passes", "five": answer, "twenty": "passes"})
            request = RunRequest.build(mode="full", **trial.details(story))
            planned = plan(request, trial.registry, trial.settings)
            run = FullRun(caller, new_run_id(), planned, lambda _: None).open()
            report = run.report(timeout=30)

            assert caller.state(run.id).fields["template"] == ""
            assert report.verdict == verdict, report.reason
            assert story.asked == (["alpha", "five", "twenty"] if verdict == "GO" else ["alpha", "five"])
            assert trial.stored(report.id).to_json() == report.to_json()

    assert [record.name for record in caplog.records] == ["preflight"]
    assert "(headers.compression)" in caplog.text
