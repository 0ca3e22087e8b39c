"""The reference says what the code is: settings, commands and options, public names and their arguments."""

from __future__ import annotations

import ast
import enum
import importlib
import inspect
import re

import click
import documents
import pytest
from documents import DOCS

import preflight
from preflight.cli.commands import preflight as command_line
from preflight.context import RunDetails
from preflight.settings import PREFIX, Settings

PYTHON = DOCS / "reference" / "python.md"
COMMANDS = DOCS / "reference" / "command-line.md"
SETTINGS = DOCS / "reference" / "settings.md"
GROUPS = {"preflight db", "preflight admin", "preflight admin token"}


def test_every_setting_has_a_row_with_its_default():
    """The table of settings holds the fields of the class, no other ones, and their defaults."""
    shown = {row[0].strip("`"): row[1].strip("`") for row in documents.rows(SETTINGS) if row[0].startswith("`")}

    assert shown == {f"{PREFIX}{name.upper()}": default(field) for name, field in Settings.model_fields.items()}


def default(field):
    """Return a setting's default as the table shows it."""
    value = field.default
    if value in (None, "", ()):
        return "none"
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_every_setting_says_what_it_accepts():
    """Limits and choices of the class stand in the column of accepted values."""
    accepted = {row[0].strip("`"): row[2] for row in documents.rows(SETTINGS) if row[0].startswith("`")}
    for name, field in Settings.model_fields.items():
        limits = [getattr(limit, kind, None) for limit in field.metadata for kind in ("ge", "gt", "le")]
        choices = getattr(field.annotation, "__args__", ()) if "Literal" in str(field.annotation) else ()
        for word in (*(f"{limit:g}" if limit < 1e6 else str(limit) for limit in limits if limit is not None), *choices):
            assert re.search(rf"\b{re.escape(word)}\b", accepted[f"{PREFIX}{name.upper()}"]), (name, word)


def commands(group, path="preflight"):
    """Yield every command that does something, with the words that call it."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def section_of(words):
    """Return what the page says of a command: the section of its name, or of its group's."""
    for title, text in documents.sections(COMMANDS).items():
        if title in (words, words.rpartition(" ")[0]) or title.startswith(
            (f"{words} [", f"{words} ID", f"{words} EVENT", f"{words} NAME")
        ):
            return f"{title}\n{text}"
    raise AssertionError(f"{words} has no section")


@pytest.mark.parametrize(("words", "command"), list(commands(command_line)))
def test_every_command_and_option_is_described(words, command):
    """The section of a command names every option, choice and argument."""
    text = section_of(words)
    assert words in text
    for parameter in command.params:
        choices = parameter.type.choices if isinstance(parameter.type, click.Choice) else ()
        for word in (*names_of(parameter, command), *choices):
            assert re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text), f"{words}: {word}"


def names_of(parameter, command):
    """Return how a parameter is called: an option's names, an argument's place holder."""
    if isinstance(parameter, click.Argument):
        return [parameter.make_metavar(click.Context(command)).strip("[]")]
    return parameter.opts


def test_no_command_or_option_is_described_that_does_not_exist():
    """The page names only what `preflight` understands."""
    known = {
        option for _, command in commands(command_line) for parameter in command.params for option in parameter.opts
    }
    known |= {"--help", "--version"}

    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", documents.prose(COMMANDS))) <= known
    named = re.findall(r"`preflight ((?:db |admin (?:token )?)?[a-z]+)", documents.prose(COMMANDS))
    assert {f"preflight {name}" for name in named} <= {words for words, _ in commands(command_line)} | GROUPS


@pytest.mark.parametrize("name", preflight.__all__)
def test_every_public_name_has_a_heading_and_its_members_are_described(name):
    """The section of a public name says its arguments as they are, and names its public members."""
    text = documents.sections(PYTHON)[name]
    value = getattr(preflight, name)
    for member in members(value):
        assert re.search(rf"\b{member}\b", text), f"{name}.{member}"
    for call in calls(text, name):
        assert shown(call) == taken(value)
    if needs_a_signature(value):
        assert calls(text, name)


def members(value):
    """Return the public members that a class defines."""
    if not inspect.isclass(value):
        return []
    return [name for name in [*vars(value), *getattr(value, "__annotations__", {})] if not name.startswith("_")]


def needs_a_signature(value):
    """Return whether readers make or call it themselves with arguments."""
    made_elsewhere = value in (preflight.PreFlightRun, preflight.PreFlightCheck) or inspect.ismodule(value)
    without_arguments = inspect.isclass(value) and issubclass(value, enum.Enum | preflight.PreFlightError)
    return not made_elsewhere and (not without_arguments or value is preflight.PreFlightFailed)


def calls(text, name):
    """Return the calls of a name that the Python of a section shows as its signature."""
    trees = [ast.parse(code) for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL)]
    statements = [line.value for tree in trees for line in tree.body if isinstance(line, ast.Expr)]
    return [call for call in statements if isinstance(call, ast.Call) and getattr(call.func, "id", "") == name]


def shown(call):
    """Return the arguments of a signature that a page shows, with their defaults as text."""
    required = {argument.id: None for argument in call.args}
    return required | {argument.arg or "**": ast.unparse(argument.value) for argument in call.keywords}


def taken(value):
    """Return the arguments that something really takes, in the same form."""
    return {
        "**" if parameter.kind is parameter.VAR_KEYWORD else name: _default(name, parameter)
        for name, parameter in inspect.signature(value).parameters.items()
    }


def _default(name, parameter):
    if parameter.kind is parameter.VAR_KEYWORD:
        return name
    if parameter.default is parameter.empty:
        return None
    if isinstance(parameter.default, enum.Enum):
        return str(f"{type(parameter.default).__name__}.{parameter.default.name}")
    return "{}" if repr(parameter.default) == "<factory>" else repr(parameter.default)


def test_the_arguments_of_a_run_are_described():
    """The signature of `run` on the page has every argument, with the defaults of the code."""
    (call,) = calls(documents.sections(PYTHON)["PreFlightRunner"], "run")
    parameters = inspect.signature(preflight.PreFlightRunner.run).parameters.values()
    named = {one.name for one in parameters if one.kind is one.KEYWORD_ONLY}

    assert shown(call).keys() == named | RunDetails.__annotations__.keys()
    assert [name for name, value in shown(call).items() if value is None] == ["event_type"]


def test_every_exception_is_described():
    """The page names whatever PreFlight raises."""
    module = importlib.import_module("preflight.exceptions")
    for name, value in vars(module).items():
        if inspect.isclass(value) and issubclass(value, preflight.PreFlightError):
            assert re.search(rf"\b{name}\b", PYTHON.read_text()), name
