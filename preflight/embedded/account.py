"""The account that PostgreSQL runs under: it refuses root."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import os
import pwd
import shutil
import subprocess
from pathlib import Path

#: Where root keeps what an account without rights must reach when its own home is closed to others.
OPEN_PLACE = Path("/var/lib/preflight")


@dataclasses.dataclass(frozen=True)
class Account:
    """How a program is kept from running as root.

    `prefix` opens a user namespace in which root's files belong to an ordinary account; `uid` and `gid` are the account
    to change to where namespaces are blocked. An ordinary user needs neither.
    """

    prefix: tuple[str, ...] = ()
    uid: int | None = None
    gid: int | None = None
    open_place: Path = OPEN_PLACE

    @property
    def user(self) -> str:
        """The change of account in the tether's words."""
        return "-" if self.uid is None else f"{self.uid}:{self.gid}"

    def give(self, path: Path) -> None:
        """Make the account the owner of a file."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    def directory(self, wanted: Path) -> Path:
        """Return a directory that the account owns: the wanted one if it can be reached, else one in an open place."""
        if self.uid is None:
            return wanted
        if not all(parent.stat().st_mode & 0o001 for parent in wanted.parents if parent.exists()):
            wanted = self.open_place / hashlib.sha256(str(wanted.absolute()).encode()).hexdigest()[:16]
        wanted.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        wanted.mkdir(mode=0o700, exist_ok=True)
        self.give(wanted)
        return wanted

    def readable(self, installation: Path) -> Path:
        """Return the installation, or a copy of it in an open place if the account cannot change into it."""
        if self.uid is None or all(parent.stat().st_mode & 0o001 for parent in installation.parents):
            return installation
        digest = hashlib.sha256(f"{installation} {installation.stat().st_mtime_ns}".encode()).hexdigest()[:16]
        copy = self.open_place / f"postgresql-{digest}"
        if not copy.exists():
            _copy(installation.parent, copy)
        return copy / installation.relative_to(installation.parents[1])


def _copy(package: Path, target: Path) -> None:
    """Copy a package and the libraries that its wheel keeps beside it; all or nothing."""
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.{os.getpid()}")
    for source in (package, package.with_name(f"{package.name}.libs")):
        if source.is_dir():
            shutil.copytree(source, partial / source.name, symlinks=True)
    partial.chmod(0o755)
    partial.rename(target)


@functools.cache
def current() -> Account:
    """Return how this process's user starts PostgreSQL."""
    if os.geteuid() != 0:
        return Account()
    return in_namespace() or as_nobody()


def in_namespace() -> Account | None:
    """Return the account in a user namespace, or nothing where the system blocks those."""
    owner = _existing("postgres", "nobody")
    unshare = shutil.which("unshare")
    if owner is None or unshare is None:
        return None
    prefix = (unshare, "--user", f"--map-user={owner.pw_uid}", f"--map-group={owner.pw_gid}")
    allowed = subprocess.run([*prefix, "true"], check=False, capture_output=True).returncode == 0
    return Account(prefix=prefix) if allowed else None


def as_nobody() -> Account:
    """Return the account `nobody`, by its usual number if the system does not name it."""
    owner = _existing("nobody")
    return Account(uid=owner.pw_uid if owner else 65534, gid=owner.pw_gid if owner else 65534)


def _existing(*names: str) -> pwd.struct_passwd | None:
    accounts = {account.pw_name: account for account in pwd.getpwall()}
    return next((accounts[name] for name in names if name in accounts), None)
