"""Names of the checks of which a setting lists several targets: each is `name=target`, or the target alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence

from preflight.exceptions import InvalidSettings

NAMED = re.compile(r"(?P<name>[a-z][a-z0-9_]{0,63})=(?P<target>.*)", re.ASCII | re.DOTALL)


def named_targets(entries: Sequence[str], variable: str, prefix: str, label: Callable[[str], str]) -> dict[str, str]:
    """Return the targets of a setting by the names of their checks.

    A target that is the only one without a name is called `prefix`, the others `prefix_<label of the target>`. Raises
    `InvalidSettings` when two have the same name: one of them would be dropped silently.
    """
    named: dict[str, str] = {}
    for match in filter(None, map(NAMED.fullmatch, entries)):
        if match["name"] in named:
            raise InvalidSettings(f"{variable} has two addresses called {match['name']}: rename one.")
        named[match["name"]] = match["target"]
    bare = [entry for entry in entries if not NAMED.fullmatch(entry)]
    for target in bare:
        alone = len(bare) == 1 and prefix not in named
        named[prefix if alone else _free_name(f"{prefix}_{_slug(label(target))}", named)] = target
    return named


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def _free_name(wished: str, taken: Collection[str]) -> str:
    names = (wished[:60], *(f"{wished[:60]}_{number}" for number in range(2, 1000)))
    return next(name for name in names if name not in taken)
