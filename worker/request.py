"""How the main process hears that a check's process died or was killed for its time."""

from __future__ import annotations

from typing import Any

from billiard.exceptions import WorkerLostError
from celery.worker.request import Request

from preflight.engine.dead_child import Obituary, exit_text, obituaries
from preflight.engine.execution import read_message


class CheckRequest(Request):
    """A check's message in the worker. Only queues what it hears: the event loop must not wait for Redis."""

    def on_failure(self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False) -> None:
        """Note a check whose process died."""
        error = getattr(exc_info.exception, "exc", exc_info.exception)
        if isinstance(error, WorkerLostError | SystemExit | KeyboardInterrupt):
            self._note(timeout=False, words=str(error))
        super().on_failure(exc_info, send_failed_event=send_failed_event, return_ok=return_ok)

    def on_timeout(self, soft: bool, timeout: float) -> None:
        """Note a check whose process the pool kills for its time."""
        if not soft:
            self._note(timeout=True)
        super().on_timeout(soft, timeout)

    def _note(self, *, timeout: bool, words: str = "") -> None:
        message = read_message(self.args)
        if message is not None:
            obituaries.put(Obituary(message[0], message[1], timeout, exit_text(words)))
