"""What the documentation says of the page is so."""

from __future__ import annotations

from pathlib import Path

from preflight.admin.query import WORDS
from preflight.types import STATUSES

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "how-to" / "admin-page.md").read_text()
LIVE = (ROOT / "preflight" / "admin" / "static" / "live.js").read_text()


def test_every_word_of_the_query_bar_is_documented():
    """And every status that it takes."""
    assert [word for word in (*WORDS, *STATUSES) if f"`{word}`" not in PAGE] == []


def test_every_state_of_the_page_is_documented():
    """In the words that it shows."""
    for word in ("Live", "Every 30 s", "Paused", "Stale", "Not updated"):
        assert f'"{word}"' in LIVE
        assert f"| {word} |" in PAGE


def test_pictures_are_small():
    """200 KB each at most: they are part of the repository."""
    sizes = {path.name: path.stat().st_size for path in (ROOT / "docs" / "images").glob("*.png")}

    assert sizes
    assert {name: size for name, size in sizes.items() if size > 200_000} == {}
