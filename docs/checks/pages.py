"""Write this directory's pages from the checks themselves."""

from __future__ import annotations

from pathlib import Path

from preflight.cli import check_pages
from preflight.cli.descriptions import describe

HERE = Path(__file__).parent
INDEX = """# Checks that ship

{table}

Set a target both where runs are started and where workers run. `preflight checks` lists what is registered here.

A check that speaks to a server answers within 90 % of its timeout, whatever the server does. "needs" is all that the
account it uses must be allowed there, as the server writes it. These pages are made from the checks by
`make docs-checks`; `preflight checks NAME --format markdown` prints the same for any check, one of yours too.
"""


def pages() -> dict[str, str]:
    """Return the text of every page by its file's name."""
    checks = check_pages.shipped()
    texts = {f"{check.name}.md": check_pages.page(describe(check)) + "\n" for check in checks}
    return texts | {"README.md": INDEX.format(table=check_pages.index(checks))}


if __name__ == "__main__":
    for name, text in pages().items():
        (HERE / name).write_text(text)
