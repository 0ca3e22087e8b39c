"""Where Flower shows the tasks of a run."""

from __future__ import annotations

from urllib.parse import quote
from uuid import UUID


def flower_url(address: str, run_id: UUID) -> str | None:
    """Return where Flower lists the tasks of a run; None without a Flower. It searches in names and arguments."""
    return f"{address}/tasks?name={quote(f'preflight.check {run_id}')}" if address else None
