"""The list of safeguards that `make mutants` takes away one at a time."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
LIST = Path(__file__).with_name("mutants.toml")


class Mutant(NamedTuple):
    """A safeguard: the text of `file` that is it, what it becomes without it, and the test that notices."""

    name: str
    file: str
    old: str
    new: str
    test: str
    slow: bool = False

    def problem(self, root: Path = ROOT) -> str:
        """Return why the mutant cannot be made from a tree, or nothing."""
        times = (root / self.file).read_text().count(self.old)
        if times != 1:
            return f"its text is {times} times in {self.file}"
        return "" if self.test_is_there(root) else f"there is no test {self.test}"

    def test_is_there(self, root: Path) -> bool:
        """Return whether the named test exists."""
        path, _, function = self.test.partition("::")
        return (root / path).exists() and (not function or f"def {function}(" in (root / path).read_text())

    def change(self, root: Path) -> None:
        """Take the safeguard away, in a copy of the tree."""
        path = root / self.file
        path.write_text(path.read_text().replace(self.old, self.new))


def read() -> list[Mutant]:
    """Return the list."""
    return [Mutant(**entry) for entry in tomllib.loads(LIST.read_text())["mutant"]]
