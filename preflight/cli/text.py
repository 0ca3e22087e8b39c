"""Text that cannot harm a terminal. No rich here: this is what an error's one line waits for."""

from __future__ import annotations


def plain(text: str, most: int = 2000) -> str:
    """Return text on one line, at most `most` characters, with what a terminal would obey shown as an escape."""
    line = " ".join(text[: 4 * most].split())
    line = "".join(_visible(character) for character in line)
    return line if len(line) <= most else f"{line[: most - 3]}..."


def _visible(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
