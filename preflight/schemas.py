"""The schemas of all that is switched on: the reports' and those of packs. For `preflight db` and embedded systems."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType
from typing import NamedTuple

from preflight.campaign import migrations as campaign
from preflight.reports import migrations as reports


class Change(NamedTuple):
    """From where to where a schema went; `before` None: it was not there."""

    schema: str
    before: str | None
    after: str | None


def upgrade(database_url: str, packs: Iterable[str]) -> list[Change]:
    """Bring every schema to its newest revision and say what changed; harmless when all are there."""
    changes = []
    for name, one in _switched_on(packs):
        before = one.current(database_url)
        one.upgrade(database_url)
        changes.append(Change(name, before, one.current(database_url)))
    return changes


def check(database_url: str, packs: Iterable[str]) -> list[Change]:
    """Return every schema's revision; raise `StoreUnavailable` for the first that is not the newest."""
    revisions = [(name, one.check_schema(database_url)) for name, one in _switched_on(packs)]
    return [Change(name, revision, revision) for name, revision in revisions]


def _switched_on(packs: Iterable[str]) -> list[tuple[str, ModuleType]]:
    return [("reports", reports), *([("campaign", campaign)] if "campaign" in packs else [])]
