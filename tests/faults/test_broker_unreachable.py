"""Every way in which a caller's broker can be away: NO-GO in time, with its own clear line, and a report kept."""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import threading
from collections.abc import Iterator

import pytest
from acceptance.processes import eventually

from preflight.embedded.server import free_port

SECRET = "hunter2"


@contextlib.contextmanager
def listening(answer: bytes = b"") -> Iterator[int]:
    """Yield the port of a server that says `answer` to everyone, or nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server, contextlib.ExitStack() as open_sockets:

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection = open_sockets.enter_context(server.accept()[0])
                    connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)


@contextlib.contextmanager
def refused(valkey) -> Iterator[str]:
    yield f"redis://:{SECRET}@127.0.0.1:{free_port()}/0"


@contextlib.contextmanager
def silent(valkey) -> Iterator[str]:
    with listening() as port:
        yield f"redis://:{SECRET}@127.0.0.1:{port}/0"


@contextlib.contextmanager
def not_a_redis(valkey) -> Iterator[str]:
    with listening(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n") as port:
        yield f"redis://:{SECRET}@127.0.0.1:{port}/0"


@contextlib.contextmanager
def wrong_password(valkey) -> Iterator[str]:
    yield f"redis://:{SECRET}@127.0.0.1:{valkey.port}/0"


@contextlib.contextmanager
def no_password(valkey) -> Iterator[str]:
    yield f"redis://127.0.0.1:{valkey.port}/0"


@contextlib.contextmanager
def dead_name(valkey) -> Iterator[str]:
    yield f"redis://:{SECRET}@no-such-host.invalid:6379/0"


WAYS = [
    (refused, "Redis refuses connections"),
    (silent, "Redis does not answer"),
    (not_a_redis, "The server is not a Redis"),
    (wrong_password, "Redis refuses the user or password"),
    (no_password, "Redis wants a password"),
    # A machine without any name server is told that none answered.
    (dead_name, ("The host name of Redis cannot be resolved", "Redis does not answer")),
]


def kept_line(caplog) -> dict | None:
    """Return the one JSON line that a report without a store leaves in the log."""
    lines = [record.message for record in caplog.records if record.name == "preflight.reports"]
    return json.loads(lines[-1]) if lines else None


@pytest.mark.parametrize(("way", "words"), WAYS, ids=[way.__name__ for way, _ in WAYS])
def test_an_unreachable_broker_is_no_go(make_trial, shared_valkey, database_url, way, words):
    """`broker` in error says which kind of trouble it is, all else is skipped because of it; the report is stored."""
    with way(shared_valkey) as url:
        trial = make_trial(url, database_url)
        report = trial.run({"alpha": "passes", "five": "passes"})

    assert not report.success
    assert report["broker"].status == "error"
    assert report["broker"].message.startswith(words)
    assert report["broker"].remediation
    assert {report[name].skipped_because for name in ("alpha", "five")} == {"broker error"}
    assert report.short_circuited_by == "broker"
    assert report.duration_ms < 2000 + 1000
    assert trial.stored(report.id).to_json() == report.to_json()
    assert SECRET not in json.dumps(report.to_json())


def test_without_a_database_the_report_is_one_line_in_the_log(make_trial, caplog):
    """Nothing is lost silently: the whole report, as JSON, and nothing secret in it."""
    caplog.set_level(logging.ERROR, logger="preflight.reports")
    trial = make_trial(f"redis://:{SECRET}@127.0.0.1:{free_port()}/0")

    report = trial.run({"alpha": "passes"})

    eventually(lambda: kept_line(caplog), "the report is in the log")
    line = kept_line(caplog)
    assert line["stored"] is False
    assert line["report"] == report.to_json()
    assert SECRET not in caplog.text


def test_with_redis_and_postgresql_away_the_report_is_in_the_log(make_trial, caplog):
    """Both stores gone: the verdict comes all the same, and the line says what both of them said."""
    caplog.set_level(logging.ERROR, logger="preflight.reports")
    database = f"postgresql://preflight:{SECRET}@127.0.0.1:{free_port()}/preflight"
    trial = make_trial(f"redis://:{SECRET}@127.0.0.1:{free_port()}/0", database)

    report = trial.run({"alpha": "passes"})

    assert report.duration_ms < 2000 + 1000
    eventually(lambda: kept_line(caplog), "the report is in the log")
    assert "refuses the connection" in kept_line(caplog)["reason"]
    assert kept_line(caplog)["report"] == report.to_json()
    assert SECRET not in caplog.text


def test_a_light_run_never_raises_and_never_waits(make_trial):
    """With a silent Redis its caller has the handle at once; what could not be sent is counted."""
    with listening() as port:
        trial = make_trial(f"redis://127.0.0.1:{port}/0")
        story = trial.story({"alpha": "passes"})
        runs = [trial.runner.run(mode="light", **trial.details(story)) for _ in range(3)]
        assert len({run.id for run in runs}) == 3
        eventually(lambda: trial.runner.light_counts.get("unsent") == 3, "the lost calls are counted")
