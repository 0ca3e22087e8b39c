"""The whole system on embedded servers, for `preflight up`, the demo and tests. Production never uses it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

__all__ = ["demo", "running", "up"]


def running(home: Path) -> dict[str, str] | None:
    """Return the environment variables of the system that runs in this home, or nothing if none runs."""
    from preflight.embedded import state

    return state.running(home.expanduser())


def up(announce: Callable[[str], object] = print) -> None:
    """Start the system, announce its addresses and stay until Ctrl-C or SIGTERM; `EmbeddedError` if it cannot start."""
    from preflight.embedded import launcher

    launcher.up(announce)


def demo(*, once: bool = False, announce: Callable[[str], object] = print) -> int:
    """Start the system with a sample, do one full run and return its exit code: 0 GO, 3 NO-GO.

    With `once` it ends after the run, else it stays until Ctrl-C or SIGTERM.
    """
    from preflight.embedded import launcher

    return launcher.demo(announce, once=once)
