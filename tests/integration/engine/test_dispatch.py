"""How messages reach their queues: pushed by scripts while the contract holds, published by the winner otherwise."""

from __future__ import annotations

import json
import logging

import pytest
from integration.engine.conftest import FAILED, ON_EVERY_SERVER, Bench

from preflight.engine.caller import new_run_id
from preflight.engine.celery_app import create_app
from preflight.engine.contract import compare, differences, queued_by_kombu
from preflight.engine.dispatch import ByScripts, ByWinner, dispatch_for
from preflight.engine.messages import LIMIT_GRACE_SECONDS, Sending, build, filled
from preflight.settings import load

pytestmark = ON_EVERY_SERVER


@pytest.fixture
def published(redis_url, namespace):
    """Yield a bench whose runs are published by who wins a step."""
    made = Bench(redis_url, namespace, ByWinner)
    yield made
    made.dispatch.close()
    made.client.close()


def message(bench):
    """Return what scripts push for a check."""
    app, queue = create_app(bench.settings), bench.keys.full_queue
    return filled(build(app, queue), Sending("r", "a", "1", 6.5, queue))


def test_the_contract_holds_for_the_installed_versions(bench, caplog):
    """No part of our messages differs from what kombu's own Redis channel pushes, and nothing is said about it."""
    assert differences(bench.settings) == []
    assert isinstance(dispatch_for(bench.settings), ByScripts)
    assert caplog.records == []


def test_a_contract_that_does_not_hold_is_one_line_and_the_slower_way(bench, caplog):
    """What another kombu would queue has a header that ours lacks: the line names it, and scripts push nothing."""
    ours = message(bench)
    theirs = json.loads(ours)
    theirs["headers"]["origin_of_species"] = 1859
    theirs["properties"]["priority"] = 3
    with caplog.at_level(logging.WARNING):
        dispatch = dispatch_for(bench.settings, lambda _: compare(ours, json.dumps(theirs)))

    assert isinstance(dispatch, ByWinner)
    assert dispatch.template(bench.keys.full_queue) == ""
    assert len(caplog.records) == 1
    assert "(headers.origin_of_species, properties.priority)" in caplog.text


def test_a_message_of_another_shape_does_not_hold_either(bench):
    """A body that is not where it was, or a text that is no JSON, is a difference and no exception."""
    ours = json.loads(message(bench))
    body = ours.pop("body")

    assert compare(json.dumps(ours | {"body": body}), json.dumps(ours | {"payload": body})) == ["body", "payload"]
    assert compare(json.dumps(ours | {"body": body}), "<message/>") == ["the message: it is no JSON object"]


def test_another_broker_is_published_to(redis_url, namespace, caplog):
    """A script reaches only its own Redis; that is no mismatch and says nothing."""
    values = {"redis_url": redis_url, "namespace": namespace}

    for url in ("amqp://rabbit.example//", "amqps://rabbit.example/", "redis://other.example:6379/0"):
        assert type(dispatch_for(load(values | {"broker_url": url}))) is ByWinner
    assert isinstance(dispatch_for(load(values | {"broker_url": redis_url})), ByScripts)
    assert caplog.records == []


def test_what_the_winner_publishes_is_what_scripts_push(bench, published):
    """Same queue, same message: a worker cannot tell them apart."""
    run_id = new_run_id()
    sending = Sending(str(run_id), "a", "1", 5.0 + LIMIT_GRACE_SECONDS, published.keys.full_queue)
    published.open({"a": 0}, run_id=run_id)
    theirs = published.client.rpop(published.keys.full_queue)

    assert compare(theirs, filled(bench.dispatch.template(sending.queue), sending)) == []
    assert compare(theirs, queued_by_kombu(create_app(published.settings), sending)) == []


def test_each_tier_is_published_when_the_one_before_has_answered(published):
    """By who wrote the last answer; nothing is sent before, and nothing after a blocking one."""
    run_id = published.open({"a": 0, "b": 0, "c": 5, "d": 10})
    assert published.queued() == 2
    published.answer(run_id, "a")
    assert published.queued() == 2
    published.answer(run_id, "b")
    assert published.queued() == 3
    published.answer(run_id, "c", FAILED)

    assert published.queued() == 3
    assert published.state(run_id).report().short_circuited_by == "c"


def test_runs_that_wait_for_one_answer_are_published_on(published):
    """Single flight: the answer wakes the others, and their next tiers are published too."""
    runs = [published.open({"a": 0}, cache_ttl=30.0) for _ in range(3)]
    assert published.queued() == 1
    published.answer(runs[0], "a")

    assert all(published.state(run_id).ended for run_id in runs)


def test_who_dies_between_a_step_and_its_publishing_is_made_up_for(published):
    """The state says that the check is queued, no queue has it: the watchdog publishes it a second later."""
    run_id = published.open({"a": 0, "b": 5})
    published.claim(run_id, "a")
    last_words = [str(run_id), "a", "", 0, 0, json.dumps({"status": "passed", "message": ""})]
    published.runs.call("record", published.runs._run_keys(run_id), last_words)
    published.client.delete(published.keys.full_queue)
    published.worker_lives()
    published.watchdog.look()
    assert published.queued() == 0

    published.later(run_id, 1500)
    published.watchdog.look()

    assert published.queued() == 1
    assert published.answer(run_id, "b")
    assert published.state(run_id).report().success


def test_a_backlog_is_never_doubled(published):
    """What waits in the broker's queue is left alone, however long."""
    runs = [published.open({"a": 0}) for _ in range(3)]
    published.worker_lives()
    for run_id in runs:
        published.later(run_id, 3000)
    published.watchdog.look()

    assert published.queued() == 3


def test_a_broker_that_is_away_is_said_once(redis_url, namespace, caplog):
    """The opening says why nothing was published, the run stays open for the watchdog, and the log has one line."""
    bench = Bench(redis_url, namespace, ByWinner, broker_url="amqp://user:hunter2@127.0.0.1:1//")
    for _ in range(3):
        run_id = bench.open({"a": 0})
        assert "The broker takes no messages" in bench.opening.unsent
        assert "(127.0.0.1:1)" in bench.opening.unsent
        assert not bench.state(run_id).ended

    assert len(caplog.records) == 1
    assert "hunter2" not in caplog.text
    bench.client.close()


def test_while_the_broker_does_not_say_what_waits_old_messages_are_sent_again(redis_url, namespace):
    """Nobody knows whether it was lost: published again, as a duplicate does no harm."""
    bench = Bench(redis_url, namespace, ByWinner, broker_url="amqp://user:hunter2@127.0.0.1:1//")
    run_id = bench.open({"a": 0})
    before = bench.state(run_id).place("a").number
    bench.worker_lives()
    bench.later(run_id, 2500)
    bench.watchdog.look()

    assert bench.state(run_id).place("a").number > before
    bench.client.close()
