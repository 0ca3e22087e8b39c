"""The documentation is whole: links lead somewhere, examples are Python, names exist, pictures stand alone."""

from __future__ import annotations

import ast
import importlib
import re

import documents
import pytest
from documents import DOCS, PAGES, README, ROOT, blocks

from preflight.cli import check_pages
from preflight.setting_files import SUFFIX
from preflight.settings import PREFIX, SECRETS, Settings

LANGUAGES = {"sh", "python", "text"}


def parsed(block):
    """Parse a block; `await` may stand outside of a function in it."""
    compile(block.text, str(block), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    return ast.parse(block.text)


@pytest.mark.parametrize("page", PAGES, ids=documents.name)
def test_links_between_documents_resolve(page):
    """Every link leads to a file of the repository, and to a heading if it names one."""
    for target in documents.links(page):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.is_file(), f"{page}: {target}"
        assert not anchor or anchor in documents.anchors(file), f"{page}: {target}"


def test_every_document_is_reachable_from_the_readme():
    """A reader who follows links from README.md finds every page and picture under docs."""
    reached, waiting = set(), [README]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        targets = (page.parent / link.partition("#")[0] for link in documents.links(page) if not link.startswith("#"))
        found = {target.resolve() for target in targets} - reached
        reached |= {file for file in found if file.suffix != ".md"}
        waiting += [file for file in found if file.suffix == ".md"]

    under_docs = {file for file in DOCS.rglob("*") if file.suffix in {".md", ".svg", ".png"}}
    assert sorted(under_docs - reached) == []


def test_every_block_names_its_language():
    """Blocks are told apart: commands and Python are tested, text is only shown."""
    assert {str(block): block.language for block in blocks() if block.language not in LANGUAGES} == {}
    fences = sum(page.read_text().count("```") for page in PAGES)
    assert fences == 2 * len(blocks())


@pytest.mark.parametrize("block", blocks("python"), ids=documents.name)
def test_python_blocks_compile_and_import_what_exists(block):
    """What a page shows is Python, and the names that it takes from PreFlight are there."""
    for node in ast.walk(parsed(block)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "preflight":
            for name in node.names:
                assert hasattr(importlib.import_module(node.module), name.name)


def test_every_setting_that_a_page_names_exists():
    """No page speaks of a variable that nothing reads: a setting, a secret's file, or what the compose file takes."""
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    known |= {f"{variable}{SUFFIX}" for variable in SECRETS.values()}
    known |= set(re.findall(rf"\$\{{({PREFIX}[A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))
    for page in PAGES:
        assert set(re.findall(rf"(?<![_A-Z]){PREFIX}[A-Z_]+", page.read_text())) <= known, page


def test_every_shipped_check_has_a_page_that_is_listed():
    """A check of the core or of a pack has a page of its name, and the list leads to it."""
    shipped = {check.name for check in check_pages.shipped()}

    assert {file.stem for file in (DOCS / "checks").glob("[a-z]*.md")} == shipped
    beside = {link for link in documents.links(DOCS / "checks" / "README.md") if "/" not in link}
    assert {link.removesuffix(".md") for link in beside} == shipped


@pytest.mark.parametrize("picture", sorted(DOCS.rglob("*.svg")), ids=documents.name)
def test_pictures_load_nothing_from_other_hosts(picture):
    """A picture stands for itself: whoever looks at it tells nobody else."""
    text = re.sub(r'xmlns(:\w+)?="[^"]*"', "", picture.read_text())

    assert re.findall(r"https?:|\burl\((?!#)|@import|\b(?:href|src)\b|<(?:image|script|foreignObject)\b", text) == []
