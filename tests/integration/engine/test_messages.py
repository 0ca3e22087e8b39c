"""The contract with Celery and kombu: our messages are what `apply_async` would have queued."""

from __future__ import annotations

import base64
import json

from preflight.engine.celery_app import CHECK_TASK, create_app


def test_a_scripts_message_is_the_one_that_apply_async_queues(bench):
    """Same keys, headers, properties and arguments; only ids differ, and the body is text instead of base64."""
    bench.open({"a": 0})
    ours = json.loads(bench.client.rpop(bench.keys.full_queue))
    arguments = json.loads(ours["body"])[0]
    with create_app(bench.settings) as app:
        app.send_task(
            CHECK_TASK,
            args=arguments,
            argsrepr=ours["headers"]["argsrepr"],
            task_id=ours["headers"]["id"],
            time_limit=ours["headers"]["timelimit"][0],
            ignore_result=True,
            queue=bench.keys.full_queue,
        )
    theirs = json.loads(bench.client.rpop(bench.keys.full_queue))

    theirs["body"] = base64.b64decode(theirs["body"]).decode()
    for message in (ours, theirs):
        message["properties"].pop("delivery_tag")
        message["properties"].pop("body_encoding")
        message["properties"].pop("reply_to")  # one per process and thread: nobody replies to a check
        message["headers"].pop("origin")
    assert ours == theirs


def test_full_and_light_runs_have_queues_of_their_own(bench):
    """A backlog of light checks never stands before a full run."""
    bench.open({"a": 0}, mode="light")

    assert bench.queued(light=True) == 1
    assert bench.queued() == 0
