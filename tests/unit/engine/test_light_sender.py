"""The light sender: its queue, its counts, its copies."""

from __future__ import annotations

import decimal
import gc
import threading
import uuid

import pytest

from preflight.engine.caller import new_run_id
from preflight.engine.light import LightSender
from preflight.exceptions import BrokerUnavailable, InvalidRun

CAMPAIGN = uuid.uuid4()


def outcome(send, call):
    try:
        send(call)
    except Exception as error:
        return error
    return None


@pytest.fixture
def make():
    made = []

    def make(send, **options):
        def send_all(calls):
            return [outcome(send, call) for call in calls]

        made.append(LightSender(send_all, **options))
        return made[-1]

    yield make
    for sender in made:
        sender.close()


def test_calls_are_sent_in_order(make):
    """What was put is sent, first in, first out."""
    sent = []
    sender = make(lambda call: sent.append(call.arguments["event_type"]))
    for name in "abc":
        sender.put(new_run_id(), {"event_type": name})

    assert sender.flush(10)
    assert sent == ["a", "b", "c"]
    assert sender.counts["sent"] == 3


@pytest.mark.parametrize("value", [1, decimal.Decimal(1)], ids=["plain", "object"])
def test_the_caller_may_change_its_arguments_afterwards(make, value):
    """Arguments are copied at the call."""
    sent, gate = [], threading.Event()
    sender = make(lambda call: (gate.wait(10), sent.append(call)))
    metadata, run_id = {"list": [value]}, new_run_id()
    sender.put(run_id, {"metadata": metadata})
    metadata["list"].append(2)
    gate.set()

    assert sender.flush(10)
    assert sent == [(run_id, {"metadata": {"list": [value]}})]


def test_waiting_calls_give_the_garbage_collector_nothing_to_do(make):
    """A collection that they bring about would take its time in the caller's thread."""
    gate = threading.Event()
    sender = make(lambda call: gate.wait(10))
    gc.disable()
    try:
        before = gc.get_count()[0]
        for _ in range(300):
            sender.put(new_run_id(), {"campaign_id": CAMPAIGN, "metadata": {"poll": 7}, "timeout": None})
        counted = gc.get_count()[0] - before
    finally:
        gc.enable()
    gate.set()

    assert counted < 100


def test_a_full_queue_drops_and_counts(make):
    """Bounded: the caller is never made to wait."""
    gate, entered = threading.Event(), threading.Event()
    sender = make(lambda call: (entered.set(), gate.wait(10)), capacity=2)
    sender.put(new_run_id(), {})
    assert entered.wait(10)
    accepted = [sender.put(new_run_id(), {}) for _ in range(5)]
    gate.set()

    assert accepted == [True, True, False, False, False]
    assert sender.flush(10)
    assert (sender.counts["attempted"], sender.counts["dropped"], sender.counts["sent"]) == (6, 3, 3)


@pytest.mark.parametrize(
    ("error", "count"),
    [(InvalidRun("bad"), "invalid"), (BrokerUnavailable("away"), "unsent"), (RuntimeError("odd"), "unsent")],
)
def test_what_cannot_be_sent_is_counted_and_the_next_goes_on(make, error, count, caplog):
    """A light run never raises, and one failure does not stop the sender."""
    failures = [error]

    def send(call):
        if failures:
            raise failures.pop()

    sender = make(send)
    sender.put(new_run_id(), {})
    sender.put(new_run_id(), {})

    assert sender.flush(10)
    assert (sender.counts[count], sender.counts["sent"]) == (1, 1)
    assert len(caplog.records) == 1


def test_a_sender_that_fails_as_a_whole_loses_its_batch_and_no_more():
    """What raises where outcomes are expected is counted for every call of the batch, and the thread goes on."""
    failing = [RuntimeError("odd")]

    def send_all(calls):
        if failing:
            raise failing.pop()
        return [None for _ in calls]

    sender = LightSender(send_all)
    sender.put(new_run_id(), {})
    assert sender.flush(10)
    sender.put(new_run_id(), {})

    assert sender.flush(10)
    assert (sender.counts["unsent"], sender.counts["sent"]) == (1, 1)
    sender.close()


def test_arguments_that_cannot_be_copied_are_refused_later(make):
    """A generator or a lock in the arguments does not raise in the caller's thread."""
    sent = []
    sender = make(sent.append)
    assert sender.put(new_run_id(), {"metadata": {"lock": threading.Lock()}})

    assert sender.flush(10)
    assert repr(sent[0].arguments["metadata"]) == "<a value that cannot be copied>"
