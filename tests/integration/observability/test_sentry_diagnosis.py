"""What `preflight doctor` says about Sentry: never more than a warning, since runs need none."""

from __future__ import annotations

import contextlib

import pytest
from receivers import Receiver

from preflight.cli.diagnosis_sentry import sentry
from preflight.embedded.server import free_port
from preflight.settings import load

pytestmark = pytest.mark.usefixtures("leaves_nothing")
KEY = "0123456789abcdef" * 2


def finding(dsn):
    """Return the one finding, which must not show the key."""
    (found,) = sentry(load({"sentry_dsn": dsn}))
    assert KEY not in f"{found.message} {found.todo}"
    return found.state, found.message


@pytest.fixture(scope="module")
def receiver():
    """Yield a receiver that can misbehave."""
    with contextlib.closing(Receiver()) as made:
        yield made


def test_no_sentry_is_in_order():
    """Who wants one is told the setting's name."""
    assert finding("") == ("ok", "PREFLIGHT_SENTRY_DSN is not set: no Sentry is told about NO-GO runs")


@pytest.mark.parametrize(
    ("behaviour", "state", "says"),
    [("takes", "ok", "answers"), ("limits", "warning", "status 429"), ("refuses", "warning", "status 500")],
)
def test_a_receiver_is_asked_without_an_event(receiver, behaviour, state, says):
    """What it answers to an empty envelope is said; it has taken nothing."""
    receiver.behaviour = behaviour
    found, message = finding(receiver.dsn)

    assert (found, says in message) == (state, True)
    assert receiver.of("event") == []


def test_a_receiver_that_is_away_is_a_warning():
    """With its address."""
    port = free_port()
    assert finding(f"http://{KEY}@127.0.0.1:{port}/7") == (
        "warning",
        f"127.0.0.1:{port}, project 7 does not answer: ConnectError",
    )


def test_a_malformed_dsn_is_a_warning():
    """With what it must be like."""
    state, message = finding(f"{KEY}@sentry")
    assert state == "warning"
    assert message.endswith("it must be as in https://key@sentry.example.com/1. Sentry is off")
