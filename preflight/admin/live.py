"""Server-sent events: one look at the database for all open pages, and none while there is no page."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

from sse_starlette.event import ServerSentEvent
from starlette.concurrency import run_in_threadpool

from preflight.admin.access import Visitor
from preflight.admin.newest import Headline
from preflight.admin.problems import Problem
from preflight.exceptions import StoreUnavailable

logger = logging.getLogger("preflight.admin")

LOOK_SECONDS = 0.4
AWAY_SECONDS = 2.0
#: How long somebody whose session ended may go on looking at a page that is open.
CHECK_SECONDS = 5.0
#: A page that opens its stream is told what appeared this long ago: its own content may be that old.
RECENT_SECONDS = 60.0
MOST_LISTENERS = 500
MOST_TOLD = 200

Look = Callable[[], list[Headline]]
Lasting = Callable[[frozenset[Visitor]], frozenset[Visitor]]


class Listener:
    """One open page: what it was not told yet. Bounded, however slow it is."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor
        self.woken = asyncio.Event()
        self.ended = False
        self._headlines: dict[UUID, Headline] = {}
        self._more = 0
        self._state: str | None = None

    def add(self, headlines: Iterable[Headline]) -> None:
        """Tell it of reports; beyond a number only how many there were."""
        for headline in headlines:
            if len(self._headlines) < MOST_TOLD:
                self._headlines[headline.id] = headline
            else:
                self._more += 1
        if self._headlines:
            self.woken.set()

    def say(self, line: str) -> None:
        """Tell it why nothing new can be seen; an empty line: it can be seen again."""
        self._state = line
        self.woken.set()

    def end(self) -> None:
        """Close its stream."""
        self.ended = True
        self.woken.set()

    def take(self) -> list[ServerSentEvent]:
        """Return what it was not told yet, and forget it."""
        events = []
        if self._state is not None:
            events.append(_event("state", {"error": self._state or None}))
        if self._headlines:
            told = {"reports": [one.to_json() for one in self._headlines.values()], "more": self._more}
            events.append(_event("reports", told))
        self._headlines, self._more, self._state = {}, 0, None
        self.woken.clear()
        return events


class Live:
    """Looks for new reports while anybody listens, and tells every listener."""

    def __init__(self, look: Look, lasting: Lasting) -> None:
        self._look = look
        self._lasting = lasting
        self._listeners: set[Listener] = set()
        self._appeared: dict[Headline, float] = {}
        self._looked_at = 0.0
        self._checked_at = 0.0
        self._failure = ""
        self._task: asyncio.Task[None] | None = None

    def admit(self) -> None:
        """Raise a `Problem` when no further page can be served."""
        if len(self._listeners) >= MOST_LISTENERS:
            raise Problem(503, f"{MOST_LISTENERS} live pages are open already.", {"Retry-After": "30"})

    async def stream(self, visitor: Visitor) -> AsyncIterator[ServerSentEvent]:
        """Yield events until the visitor may look no longer."""
        listener = Listener(visitor)
        self._listeners.add(listener)
        try:
            self._start(listener)
            while not listener.ended:
                await listener.woken.wait()
                for event in listener.take():
                    yield event
            yield _event("end", {})
        finally:
            self._listeners.discard(listener)

    def alive(self) -> ServerSentEvent:
        """Return the event that says how old the last look is, in ms."""
        return _event("alive", {"looked_ms_ago": round((time.monotonic() - self._looked_at) * 1000)})

    async def close(self) -> None:
        """End every stream and the looking."""
        for listener in self._listeners:
            listener.end()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _start(self, listener: Listener) -> None:
        if self._failure:
            listener.say(self._failure)
        if self._task is None or self._task.done():
            self._appeared.clear()
            self._task = asyncio.create_task(self._watch())
        listener.add(self._recent())

    def _recent(self) -> list[Headline]:
        since = time.monotonic() - RECENT_SECONDS
        return [headline for headline, at in self._appeared.items() if at > since]

    async def _watch(self) -> None:
        """Look again and again until nobody listens."""
        first = True
        while self._listeners:
            try:
                self._found(await run_in_threadpool(self._look), first=first)
                await self._end_the_unwelcome()
                first = False
            except StoreUnavailable as error:
                self._failed(str(error))
            await asyncio.sleep(AWAY_SECONDS if self._failure else LOOK_SECONDS)

    def _found(self, headlines: list[Headline], *, first: bool) -> None:
        self._looked_at = now = time.monotonic()
        if self._failure:
            self._failure = ""
            self._tell_state()
        new = [headline for headline in reversed(headlines) if headline not in self._appeared]
        if first:  # what was there before anybody listened has appeared when it ended, as near as one can tell
            self._appeared = {one: now - max(0.0, time.time() - _ended(one)) for one in new}
            new = self._recent()
        else:
            self._appeared |= dict.fromkeys(new, now)
        for listener in self._listeners:
            listener.add(new)
        self._forget(headlines)

    def _forget(self, headlines: list[Headline]) -> None:
        """Keep what the next look will find again."""
        seen = set(headlines)
        self._appeared = {one: at for one, at in self._appeared.items() if one in seen}

    def _failed(self, line: str) -> None:
        if line != self._failure:
            logger.warning("new reports cannot be seen: %s", line)
            self._failure = line
            self._tell_state()

    def _tell_state(self) -> None:
        for listener in self._listeners:
            listener.say(self._failure)

    async def _end_the_unwelcome(self) -> None:
        """Close the streams of those whose session or token has ended meanwhile."""
        if time.monotonic() - self._checked_at < CHECK_SECONDS:
            return
        self._checked_at = time.monotonic()
        visitors = frozenset(listener.visitor for listener in self._listeners)
        lasting = await run_in_threadpool(self._lasting, visitors)
        for listener in self._listeners:
            if listener.visitor in visitors - lasting:
                listener.end()


def _ended(headline: Headline) -> float:
    return headline.created_at.timestamp() + headline.duration_ms / 1000


def _event(name: str, data: Mapping[str, Any]) -> ServerSentEvent:
    return ServerSentEvent(event=name, data=json.dumps(data, separators=(",", ":")))
