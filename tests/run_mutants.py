"""Take away each safeguard in copies of the tree and run the test that must notice.

python tests/run_mutants.py [--fast] [WORD]...   only those whose name holds every word; --fast leaves out the slow ones
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mutants import ROOT, Mutant, read

NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "benchmarks")
TIMEOUT_SECONDS = 60
PYTEST = ("-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-o", f"timeout={TIMEOUT_SECONDS}", "--no-header")
GREEN, RED = 0, 1
#: Trees that mutants are tried in at a time: most of a test's time is waiting.
TREES = 3


def main(words: list[str]) -> int:
    """Run the chosen mutants; return the process's exit code: 1 when a safeguard's absence went unnoticed."""
    names = [word for word in words if word != "--fast"]
    chosen = [mutant for mutant in read() if all(word in mutant.name for word in names)]
    chosen = [mutant for mutant in chosen if not (mutant.slow and "--fast" in words)]
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        trees = [Path(folder) / str(number) for number in range(TREES)]
        for tree in trees:
            shutil.copytree(ROOT, tree, ignore=NOT_COPIED)
        if not is_green(trees[0], sorted({mutant.test for mutant in chosen})):
            return 1
        shares = [chosen[number::TREES] for number in range(TREES)]
        with ThreadPoolExecutor(TREES) as pool:
            noticed = sum(pool.map(count_noticed, shares, trees))
    say(f"{noticed} of {len(chosen)} safeguards are noticed when they are missing")
    return 0 if chosen and noticed == len(chosen) else 1


def count_noticed(mutants: Sequence[Mutant], tree: Path) -> int:
    """Return how many mutants turn their test red, one after another in a tree of their own."""
    return sum(is_noticed(mutant, tree) for mutant in mutants)


def is_green(tree: Path, tests: list[str]) -> bool:
    """Return whether every named test passes while nothing is missing; else what turns red says nothing."""
    finished = run(tree, ["-n", str(TREES), "--dist", "loadfile", *tests])
    if finished.returncode != GREEN:
        say(f"without a mutant the tests are not green:\n{finished.stdout[-4000:]}{finished.stderr[-2000:]}")
    return finished.returncode == GREEN


def is_noticed(mutant: Mutant, tree: Path) -> bool:
    """Return whether a mutant's test turns red; the tree is whole again afterwards."""
    if problem := mutant.problem(tree):
        say(f"BROKEN    {mutant.name}: {problem}")
        return False
    path, started = tree / mutant.file, time.monotonic()
    before = path.read_text()
    try:
        mutant.change(tree)
        finished = run(tree, [mutant.test])
    finally:
        path.write_text(before)
    noticed = finished.returncode == RED
    say(f"{'noticed ' if noticed else 'SURVIVED'}  {time.monotonic() - started:5.1f} s  {mutant.name}")
    if finished.returncode not in (GREEN, RED):
        say(finished.stdout[-2000:] + finished.stderr[-2000:])
    return noticed


def run(tree: Path, tests: list[str]) -> subprocess.CompletedProcess[str]:
    """Run tests in a tree, with the package of that tree in every process."""
    # Byte code is keyed by time and size, and a mutant may change neither.
    environment = os.environ | {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, *PYTEST, *tests]
    return subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
