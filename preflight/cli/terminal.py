"""Consoles that fit where they write, and lines that fit their width."""

from __future__ import annotations

import shutil
import sys
from typing import TextIO

from rich.console import Console
from rich.text import Text

#: Without a terminal there is no width to fit: most lines then stay whole, which is what logs and grep want.
WIDTH_WITHOUT_TERMINAL = 120
_DRAWN = "✔▲✖┄→▸·…"


def stdout() -> Console:
    """Return a console on stdout."""
    return _console(sys.stdout, stderr=False)


def stderr() -> Console:
    """Return a console on stderr, for progress and notes."""
    return _console(sys.stderr, stderr=True)


def _console(stream: TextIO | None, *, stderr: bool) -> Console:
    terminal = stream is not None and stream.isatty()
    width = None if terminal else shutil.get_terminal_size((WIDTH_WITHOUT_TERMINAL, 24)).columns
    return Console(
        stderr=stderr, width=width, markup=False, highlight=False, emoji=False, soft_wrap=False, force_jupyter=False
    )


def draws(console: Console) -> bool:
    """Return whether the console's encoding has the symbols; if not, ASCII stands for them."""
    try:
        _DRAWN.encode(console.encoding)
    except (UnicodeError, LookupError):
        return False
    return True


def live(console: Console) -> bool:
    """Return whether lines can be redrawn: a terminal that is not a dumb one."""
    return console.is_terminal and not console.is_dumb_terminal


def wrapped(console: Console, text: str, width: int, style: str = "") -> list[Text]:
    """Return the lines of a text folded to a width in cells."""
    lines = list(Text(text, style=style).wrap(console, max(width, 8))) or [Text("")]
    for line in lines:
        line.rstrip()
    return lines


def hanging(console: Console, text: str, indent: int, hang: int, style: str = "") -> list[Text]:
    """Return the lines of a text that starts at a column and continues `hang` columns further right."""
    lines = wrapped(console, text, console.width - indent - hang, style)
    return [Text.assemble(" " * (indent + (hang if number else 0)), line) for number, line in enumerate(lines)]


def show(console: Console, *lines: Text) -> None:
    """Print lines that already have their final form."""
    for line in lines:
        console.print(line, no_wrap=True, overflow="ignore", crop=False)


def show_text(console: Console, text: str, style: str = "") -> None:
    """Print a text, folded to the console."""
    show(console, *wrapped(console, text, console.width, style))
