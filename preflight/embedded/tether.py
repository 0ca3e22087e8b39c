"""Tie a program to the life of its launcher, then become that program.

`python -I -S tether.py SIGNAL LAUNCHER_PID UID:GID PROGRAM ARGUMENT...`, where `-` keeps the user.
Linux sends SIGNAL to the program when its launcher dies, however it dies; elsewhere the program only loses its
launcher. This file runs alone, without the package, so that it costs a few milliseconds.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def become_user(user: str) -> None:
    """Give up the launcher's account for `UID:GID`; before the tie, which a change of account would undo."""
    if user == "-":
        return
    uid, gid = (int(part) for part in user.split(":"))
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def tie(death_signal: int, launcher: int) -> None:
    """Have the kernel send the signal at the launcher's death; leave at once if it is dead already."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    if os.getppid() != launcher:
        sys.exit(0)


def main(arguments: list[str]) -> None:
    """Tie, then replace this process by the program."""
    death_signal, launcher, user, *program = arguments
    become_user(user)
    tie(int(death_signal), int(launcher))
    # Python ignores this signal and a program that is executed keeps ignoring it.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        os.execvp(program[0], program)  # noqa: S606  # becoming the program is the point
    except OSError as error:
        sys.exit(f"{program[0]}: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
