"""What the command line understands beyond words and numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

_ASSIGNMENT = re.compile(r"(?P<check>[^.=\s]+)\.(?P<key>[^.=\s]+)=(?P<value>.*)", re.DOTALL)

#: Accepted by every command; whoever handles the exception looks for it among the words.
debug_option = click.option(
    "--debug", is_flag=True, expose_value=False, help="Show a traceback when something goes wrong."
)


def format_option(*names: str) -> Callable[[F], F]:
    """Return the option `--format` with the formats that a command can give; the first is the default."""
    return click.option(
        "--format", "output", type=click.Choice(names), default=names[0], show_default=True, help="Form of the output."
    )


class Parameter(click.ParamType[tuple[str, str, Any]]):
    """CHECK.KEY=VALUE. The value is JSON if it can be read as JSON, else the text itself."""

    name = "CHECK.KEY=VALUE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str, Any]:
        """Return check, key and value."""
        found = _ASSIGNMENT.fullmatch(value)
        if not found:
            self.fail(f"{value[:60]!r} must look like CHECK.KEY=VALUE, as disk.path=/var.", param, ctx)
        return found["check"], found["key"], _json_or_text(found["value"])


class Assignment(click.ParamType[tuple[str, Any]]):
    """KEY=VALUE. The value is JSON if it can be read as JSON, else the text itself."""

    name = "KEY=VALUE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Any]:
        """Return key and value."""
        key, sign, text = value.partition("=")
        if not (key.strip() and sign):
            self.fail(f"{value[:60]!r} must look like KEY=VALUE, as timeout=3.", param, ctx)
        return key.strip(), _json_or_text(text)


class JsonDocument(click.ParamType[Any]):
    """A JSON document, or `@file` to read it from a file."""

    name = "JSON"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return what the document holds."""
        if not isinstance(value, str):
            return value
        text = self._read(value[1:], param, ctx) if value.startswith("@") else value
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            reason = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
            self.fail(f"this is not JSON: {reason}.", param, ctx)

    def _read(self, path: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return Path(path).read_text(encoding="utf-8")
        except OSError as error:
            self.fail(f"the file {path!r} cannot be read: {error.strerror}.", param, ctx)
        except ValueError:
            self.fail(f"the file {path!r} holds no text.", param, ctx)


class Words(click.ParamType[str]):
    """Text. A shell may hand over bytes that are none, which no database takes."""

    name = "TEXT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text."""
        try:
            str(value).encode()
        except UnicodeEncodeError:
            self.fail(f"{value[:40]!r} is no text in UTF-8.", param, ctx)
        return str(value)


class Instant(click.ParamType[datetime]):
    """An instant: an age as 90m, 24h or 7d, or a date with or without a time, in UTC unless it names a zone."""

    name = "TIME"
    units: ClassVar = {"m": "minutes", "h": "hours", "d": "days"}

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the instant, aware."""
        if isinstance(value, datetime):
            return value
        try:
            if age := re.fullmatch(r"(\d{1,6})([mhd])", value, re.ASCII):
                return datetime.now(UTC) - timedelta(**{self.units[age[2]]: int(age[1])})
            found = datetime.fromisoformat(value)
            return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            self.fail(f"{value[:40]!r} is no time: write an age as 90m, 24h or 7d, or 2026-11-25T08:00.", param, ctx)


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def params_of(assignments: Iterable[tuple[str, str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the parameters by check; the last of two assignments to one key wins."""
    params: dict[str, dict[str, Any]] = {}
    for check, key, value in assignments:
        params.setdefault(check, {})[key] = value
    return params
