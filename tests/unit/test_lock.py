"""The lock file is complete and holds no address."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text()


def normal(requirement: str) -> str:
    """Return a requirement's name as package indexes compare it."""
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert name, requirement
    return re.sub(r"[-_.]+", "-", name[0]).lower()


LOCKED = {normal(line): line for line in LOCK.splitlines() if line and line[0] not in " #-"}


def test_the_lock_holds_no_address():
    """Whoever installs from the lock uses the index of their own configuration."""
    assert "://" not in LOCK


def test_every_dependency_of_the_project_is_locked():
    """What pyproject.toml asks for, and what builds the package, installs from the lock alone."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    for extra in project["project"]["optional-dependencies"].values():
        asked += extra

    own = {normal(project["project"]["name"])}
    assert {normal(requirement) for requirement in asked} - own <= LOCKED.keys()


def test_every_locked_package_is_pinned_and_has_a_hash():
    """Installing with `--require-hashes` refuses whatever was not locked."""
    entries = re.split(r"\n(?=[A-Za-z0-9])", LOCK.strip())

    assert [entry for entry in entries if "==" not in entry or "--hash=sha256:" not in entry] == []
