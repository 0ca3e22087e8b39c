"""Checks as pages of Markdown: what each asks, declares and can answer. docs/checks is made of these."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
import re
import textwrap
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any

from preflight.cli.descriptions import describe, facts_of
from preflight.declaration import PreFlightCheck

_WIDTH = 120
_CODE = re.compile(r"(`[^`]*`)")
_BY_THE_ENGINE = "said by the engine: timed out, the worker was lost, the check raised an exception"


def page(description: dict[str, Any], level: int = 1) -> str:
    """Return a check's page; `level` is that of its heading."""
    told = (description["summary"], *description["description"].split("\n\n"))
    paragraphs = [textwrap.fill(_text(part), _WIDTH, break_on_hyphens=False) for part in told if part]
    parts = ["#" * level + f" `{description['name']}`", *paragraphs, _declaration(description)]
    parts += [_parameters(description)] if description["parameters"] else []
    return "\n\n".join([*parts, _answers(description)])


def _declaration(description: dict[str, Any]) -> str:
    left_out = {"source", "what to do", "needs"}
    rows = [(label, value) for label, value in facts_of(description) if label not in left_out]
    rows.append(("registered", description["registered"]))
    if description["permissions"]:
        rows.append(("needs", f"`{description['permissions']}`"))
    return _table(("", ""), rows)


def _parameters(description: dict[str, Any]) -> str:
    rows = [
        (
            f"`{one['name']}`",
            one["type"] + (f", {one['limits']}" if one["limits"] else ""),
            f"`{one['default']}`" if one["default"] else "empty",
            one["meaning"],
        )
        for one in description["parameters"]
    ]
    return _table(("parameter", "type", "default", "meaning"), rows)


def _answers(description: dict[str, Any]) -> str:
    rows = [(one["status"], one["message"], one["remediation"]) for one in description["answers"]]
    if description["requires"]:
        missing = f"the run has no {', '.join(description['requires'])}"
        rows += [
            ("error", f"in a full run: {missing}", "Pass it to the run."),
            ("skipped", f"in a light run: {missing}", ""),
        ]
    rows.append(("error", _BY_THE_ENGINE, description["remediation"] or ""))
    return _table(("status", "example message", "what to do"), rows)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, *rows]
    text = [f"|{'|'.join(f' {_text(cell)} ' if cell else ' ' for cell in line)}|" for line in lines]
    return "\n".join([text[0], "|" + "---|" * len(head), *text[1:]])


def _text(text: str) -> str:
    """Return text on one line, in which code stays code, and nothing opens a cell or is taken for HTML."""
    parts = _CODE.split(" ".join(text.split()))
    return "".join(part if place % 2 else part.replace("<", "&lt;") for place, part in enumerate(parts)).replace(
        "|", "\\|"
    )


def index(checks: Iterable[PreFlightCheck]) -> str:
    """Return the table that leads to the pages."""
    rows = [
        (
            f"[`{told['name']}`]({told['name']}.md)",
            str(told["priority"]),
            told["summary"],
            told["registered"].partition("\n")[0],
        )
        for told in map(describe, checks)
    ]
    return _table(("check", "tier", "asks", "target"), rows)


def shipped() -> list[PreFlightCheck]:
    """Return every check that ships, in the core and in the packs, with the values of its class; by tier, then name."""
    found = [check() for module in _modules() for check in _classes_of(module)]
    return sorted(found, key=lambda check: (check.priority, check.name))


def _modules() -> Iterator[ModuleType]:
    """Yield the modules of `preflight.checks`, and those of `preflight.<pack>.checks`."""
    import preflight

    packages = [f"preflight.{module.name}" for module in pkgutil.iter_modules(preflight.__path__) if module.ispkg]
    for name in ("preflight.checks", *(f"{package}.checks" for package in packages)):
        if importlib.util.find_spec(name):
            found = importlib.import_module(name)
            inner = pkgutil.iter_modules(getattr(found, "__path__", ()), f"{name}.")
            yield from (found, *(importlib.import_module(module.name) for module in inner))


def _classes_of(module: ModuleType) -> Iterator[type[PreFlightCheck]]:
    for name, value in vars(module).items():
        ours = inspect.isclass(value) and issubclass(value, PreFlightCheck) and value.__module__ == module.__name__
        if ours and not name.startswith("_"):
            yield value
