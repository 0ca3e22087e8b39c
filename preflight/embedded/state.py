"""What a running embedded system tells other processes of the same user, and that there is one launcher per home."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from preflight.embedded.server import try_lock
from preflight.exceptions import EmbeddedError

LOCK, STATE, PASSWORDS = "launcher.lock", "running.json", "passwords.json"
PASSWORD_BYTES = 24
#: A reader holds the lock for an instant; a launcher asks again before it believes in another one.
ATTEMPTS = 5


def running(home: Path) -> dict[str, str] | None:
    """Return the environment of the system that runs in this home, or nothing; a killed launcher leaves nothing."""
    if not _locked(home):
        return None
    environment = _read(home / STATE).get("environment")
    return dict(environment) if environment else None


def save(home: Path, environment: Mapping[str, str], **details: str) -> None:
    """Publish the environment that reaches this process's servers, for this user only."""
    _write(home / STATE, {"launcher": os.getpid(), "environment": dict(environment), **details})


def passwords(home: Path, names: tuple[str, ...]) -> dict[str, str]:
    """Return a password for each name, made at the first call and kept in a file for this user only."""
    known = _read(home / PASSWORDS)
    if missing := [name for name in names if name not in known]:
        known |= {name: secrets.token_urlsafe(PASSWORD_BYTES) for name in missing}
        _write(home / PASSWORDS, known)
    return {name: known[name] for name in names}


@contextlib.contextmanager
def only_launcher(home: Path) -> Iterator[None]:
    """Be the one launcher of this home; `EmbeddedError` names the other one. Ends with the process, however it ends."""
    prepare(home)
    lock = os.open(home / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not any(try_lock(lock) for _ in range(ATTEMPTS)):
            raise EmbeddedError(_already_running(home))
        (home / STATE).unlink(missing_ok=True)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        yield
        (home / STATE).unlink(missing_ok=True)
    finally:
        os.close(lock)


def prepare(home: Path) -> None:
    """Make the home, for this user only; `EmbeddedError` if that cannot be."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        home.chmod(0o700)
    except OSError as error:
        raise EmbeddedError(
            f"PREFLIGHT_HOME={home} cannot be used ({error.strerror}): name a directory that you may write."
        ) from None


def _already_running(home: Path) -> str:
    launcher = (home / LOCK).read_text().strip() or "?"
    return (
        f"An embedded system already runs in {home} (process {launcher}): use it, stop it with `kill {launcher}`,"
        " or set PREFLIGHT_HOME to another place."
    )


def _locked(home: Path) -> bool:
    with contextlib.suppress(OSError):
        lock = os.open(home / LOCK, os.O_RDONLY)
        try:
            return not try_lock(lock)
        finally:
            os.close(lock)
    return False


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text()))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        raise EmbeddedError(f"{path} cannot be read: remove it and start `preflight up` again.") from None


def _write(path: Path, content: Mapping[str, Any]) -> None:
    """Replace the file in one step, so that a reader never meets half of it."""
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(content, file)
    partial.replace(path)
