"""The documentation as tests see it: pages, their blocks of code, links, headings and tables."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
DOCS = ROOT / "docs"
PAGES = (README, ROOT / "CHANGELOG.md", ROOT / "SECURITY.md", *sorted(DOCS.rglob("*.md")))

_BLOCK = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ (?P<title>.+)$", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Block:
    """A fenced block of a page. `line` is where its first line is."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{name(self.page)}:{self.line}"

    @property
    def lines(self) -> list[str]:
        """The lines that say something."""
        return [line for line in self.text.splitlines() if line.strip()]


def blocks(language: str | None = None, *pages: Path) -> list[Block]:
    """Return the blocks of pages (default: all of them), those of one language if it is given."""
    found = (block for page in pages or PAGES for block in _blocks_of(page))
    return [block for block in found if language in (None, block.language)]


def _blocks_of(page: Path) -> Iterator[Block]:
    text = page.read_text()
    for match in _BLOCK.finditer(text):
        line = text.count("\n", 0, match.start("text")) + 1
        yield Block(page, line, match["language"], match["text"])


def name(what: Path | Block) -> str:
    """Return how a page, a picture or a block is called in messages."""
    return str(what) if isinstance(what, Block) else str(what.relative_to(ROOT))


def prose(page: Path) -> str:
    """Return a page without its blocks."""
    return _BLOCK.sub("", page.read_text())


def links(page: Path) -> list[str]:
    """Return the targets of a page's links that lead to other documents."""
    targets = (match["target"] for match in _LINK.finditer(prose(page)))
    return [target for target in targets if "://" not in target]


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as renderers make them."""
    titles = (match["title"].lower().replace(" ", "-") for match in _HEADING.finditer(prose(page)))
    return {re.sub(r"[^\w-]", "", title) for title in titles}


def sections(page: Path) -> dict[str, str]:
    """Return the text below each heading of the second level, by the heading."""
    parts = re.split(r"^## (.+)$", page.read_text(), flags=re.MULTILINE)[1:]
    return {title.strip("`"): text for title, text in zip(parts[::2], parts[1::2], strict=True)}


def rows(page: Path) -> list[list[str]]:
    """Return the cells of every row of a page's tables."""
    lines = (line for line in prose(page).splitlines() if line.startswith("|"))
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))] for line in lines]
