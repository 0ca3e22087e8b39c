"""The live page: what is new comes by itself, and stops coming when somebody may look no longer."""

from __future__ import annotations

import contextlib
import json
import threading
from datetime import UTC, datetime

import pytest

from preflight.admin import api, live
from preflight.embedded.process import wait_until
from preflight.engine.caller import new_run_id
from preflight.types import CheckReport, PreFlightReport, Status

SECONDS = 20.0
NOW = datetime.now(UTC)


def report(**details):
    """Return a NO-GO that has just ended."""
    line = CheckReport(name="redis", priority=0, status=Status.FAILED, message="<script>")
    values = {"id": new_run_id(), "mode": "full", "event_type": "poll_launch", "created_at": datetime.now(UTC)}
    return PreFlightReport(checks=(line,), **values | {"duration_ms": 3} | details)


class Listening:
    """A page that listens, in a thread of its own."""

    def __init__(self, client):
        self.events: list[tuple[str, dict]] = []
        self.ended = threading.Event()
        self._client = client
        self._thread = threading.Thread(target=self._listen, name="listening")
        self._thread.start()

    def _listen(self):
        with contextlib.suppress(Exception), self._client.stream("GET", "/api/v1/events") as answer:
            self.answer = answer
            name = ""
            for line in answer.iter_lines():
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    self.events.append((name, json.loads(line.removeprefix("data: "))))
        self.ended.set()

    def told(self, report_id):
        """Return whether the page was told of a report."""
        return any(
            one["id"] == str(report_id) for name, data in self.events if name == "reports" for one in data["reports"]
        )

    def named(self, name):
        """Return the data of all events of a name."""
        return [data for found, data in self.events if found == name]

    def close(self):
        self._client.close()
        self._thread.join()


@pytest.fixture
def listen(site, monkeypatch):
    """Yield the function that opens a live page."""
    monkeypatch.setattr(api, "ALIVE_SECONDS", 0.2)
    pages = []

    def open_page(client=None):
        pages.append(Listening(client or site.caller("viewer")))
        return pages[-1]

    yield open_page
    for page in pages:
        page.close()


def test_a_stored_report_is_told_to_every_page(site, listen):
    """A report appears on open pages without their asking, without its checks, once."""
    first, second = listen(), listen()
    late = report()
    assert wait_until(lambda: first.named("alive") and second.named("alive"), SECONDS)
    site.store.save([late])

    assert wait_until(lambda: first.told(late.id) and second.told(late.id), SECONDS)
    (told,) = [one for data in first.named("reports") for one in data["reports"] if one["id"] == str(late.id)]
    assert told["verdict"] == "NO-GO"
    assert "checks" not in told


def test_a_page_that_opens_is_told_what_it_may_have_missed(site, listen):
    """Between a page's content and its stream reports may come: those of the last minute are told again."""
    before = report()
    site.store.save([before])
    page = listen()

    assert wait_until(lambda: page.told(before.id), SECONDS)


def test_a_run_of_minutes_is_told_when_it_ends(site, listen):
    """Its id is as old as its beginning; what counts is when it is stored."""
    page = listen()
    recent = report()
    site.store.save([recent])
    assert wait_until(lambda: page.told(recent.id), SECONDS)
    import uuid

    old_id = uuid.UUID(int=recent.id.int - (300_000 << 80))
    site.store.save([report(id=old_id)])

    assert wait_until(lambda: page.told(old_id), SECONDS)


def test_pages_learn_how_old_the_last_look_is(listen):
    """A page can tell silence from a broken connection."""
    page = listen()

    assert wait_until(lambda: page.named("alive"), SECONDS)
    assert 0 <= page.named("alive")[0]["looked_ms_ago"] < 60_000


def test_a_stream_ends_when_the_token_is_revoked(site, listen, monkeypatch):
    """An open page does not outlive what let it in."""
    monkeypatch.setattr(live, "CHECK_SECONDS", 0.1)
    from preflight.admin.credentials import Role

    token = site.credentials.create_token("watcher", Role.VIEWER)
    page, other = listen(site.stranger(headers={"Authorization": f"Bearer {token}"})), listen()
    assert wait_until(lambda: len(site.app.state.services.live._listeners) == 2, SECONDS)
    site.credentials.revoke_token("watcher")

    assert wait_until(page.ended.is_set, SECONDS)
    assert page.named("end") == [{}]
    assert not other.ended.is_set()


def test_nobody_looks_while_nobody_listens(site, listen):
    """Without an open page the database is left alone; one look serves all pages."""
    found = site.app.state.services.live
    pages = [listen() for _ in range(5)]
    assert wait_until(lambda: len(found._listeners) == 5, SECONDS)
    task = found._task
    for page in pages:
        page.close()

    assert wait_until(lambda: not found._listeners and task.done(), SECONDS)


def test_too_many_pages_are_refused(site, monkeypatch, caller):
    """A limit is said, with when to try again."""
    monkeypatch.setattr(live, "MOST_LISTENERS", 0)
    answer = caller.get("/api/v1/events")

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "30"


def test_a_slow_page_is_told_how_many_it_missed(site):
    """What waits for one page is bounded."""
    from preflight.admin.access import Visitor
    from preflight.admin.credentials import Role
    from preflight.admin.newest import Headline

    listener = live.Listener(Visitor(name="slow", role=Role.VIEWER))
    one = {"event_type": "x", "mode": "light", "campaign_id": None, "success": True, "short_circuited_by": None}
    listener.add(Headline(id=new_run_id(), duration_ms=1, created_at=NOW, **one) for _ in range(live.MOST_TOLD + 7))
    (event,) = listener.take()

    data = json.loads(event.data)
    assert (len(data["reports"]), data["more"]) == (live.MOST_TOLD, 7)
    assert listener.take() == []
