"""A message is a hint: sent twice it changes nothing, and one that is nonsense is survived."""

from __future__ import annotations

import base64
import json
from uuid import uuid4

import pytest
from acceptance.processes import eventually
from acceptance.trial import Trial


@pytest.fixture(scope="module")
def module_trial(shared_valkey, tmp_path_factory):
    """Yield a system that the module's tests share: a poisoned one must go on."""
    made = Trial(tmp_path_factory.mktemp("messages"), shared_valkey.url)
    made.worker()
    yield made
    made.end()


@pytest.fixture
def poisoned(module_trial):
    """Yield the module's system; after each test it has the worker it began with."""
    before = module_trial.live()
    yield module_trial
    assert module_trial.live() == before, module_trial.processes[0].log[-4000:]
    module_trial.assert_no_leak()


def test_a_message_delivered_twice_is_one_answer(trial):
    """While the check runs, and after the end: asked once, one status, one report."""
    trial.worker()
    story = trial.story({"alpha": "waits", "five": "passes"})
    run = trial.start(story)
    story.await_asked("alpha")
    for _ in range(3):
        trial.client.lpush(trial.keys.full_queue, trial.message(run.id, "alpha"))
    trial.expect_go()  # behind them in the same queue
    story.open_gate()

    report = run.report(timeout=30)
    for check in ("alpha", "five", "five"):
        trial.client.lpush(trial.keys.full_queue, trial.message(run.id, check))
    trial.expect_go()

    assert report.success
    assert story.asked == ["alpha", "five"]
    assert trial.stored(report.id).to_json() == report.to_json()
    assert trial.stored_ids().count(report.id) == 1


def envelope(trial, body, **headers) -> str:
    """Return a message as kombu queues it, with a body and headers of the test's."""
    message = json.loads(trial.message(uuid4(), "alpha"))
    message["headers"] |= headers
    message["body"] = base64.b64encode(body.encode()).decode()
    message["properties"]["body_encoding"] = "base64"
    return json.dumps(message)


def without(trial, part) -> str:
    """Return a check's message that lacks a part."""
    message = json.loads(trial.message(uuid4(), "alpha"))
    del message[part]
    return json.dumps(message)


POISONS = {
    "not JSON": lambda trial: "this is no message",
    "JSON that is no object": lambda trial: "[1, 2, 3]",
    "an empty object": lambda trial: "{}",
    "no body": lambda trial: without(trial, "body"),
    "no properties": lambda trial: without(trial, "properties"),
    "no headers": lambda trial: without(trial, "headers"),
    "a body that is no JSON": lambda trial: envelope(trial, "{{{"),
    "a body of another shape": lambda trial: envelope(trial, '{"run": 1}'),
    "arguments of the wrong type": lambda trial: envelope(trial, "[[1, null, {}], {}, {}]"),
    "no arguments": lambda trial: envelope(trial, "[[], {}, {}]"),
    "an unknown run": lambda trial: trial.message(uuid4(), "alpha"),
    "an unknown check": lambda trial: trial.message(uuid4(), "nobody"),
    "a run id that is none": lambda trial: trial.message("../../x", "alpha"),
    "an unknown task": lambda trial: envelope(trial, "[[], {}, {}]", task="preflight.nothing"),
    "a pickle": lambda trial: json.dumps(
        json.loads(trial.message(uuid4(), "alpha")) | {"content-type": "application/x-python-serialize"}
    ),
}  # fmt: skip


@pytest.mark.parametrize("poison", POISONS)
def test_a_poison_message_is_survived(poisoned, poison):
    """On every queue: it is dropped, the same worker goes on, and what comes behind it is answered."""
    for queue in poisoned.keys.queues:
        poisoned.client.lpush(queue, POISONS[poison](poisoned))

    poisoned.expect_go()

    eventually(lambda: not any(map(poisoned.client.llen, poisoned.keys.queues)), "every queue is empty")
