"""How checks are found: by modules, packages and entry points; a broken source leaves the others alone."""

from __future__ import annotations

import itertools
import sys

import pytest

from preflight import PreFlightRegistry
from preflight.settings import load

HEAD = "from preflight import CheckResult, PreFlightCheck, check\n"
CHECK = """
class {cls}(PreFlightCheck):
    name = "{name}"
    def execute(self, context):
        return CheckResult.passed()
"""
BASES = """
import abc

class _Base(PreFlightCheck): ...

class Base(PreFlightCheck, abc.ABC):
    @abc.abstractmethod
    def ask(self): ...
"""
FUNCTION = """
from preflight import PreFlightRegistry

@check(name="decorated", priority=1, registry=PreFlightRegistry())
def decorated(context):
    return CheckResult.passed()
"""
_numbers = itertools.count(1)


def source(*names: str) -> str:
    """Return a module's text that defines checks of these names."""
    return HEAD + "".join(CHECK.format(cls=name.title().replace("_", ""), name=name) for name in names)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Give a directory on `sys.path`, and a way to write modules whose names no other test has."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    prefix = f"found{next(_numbers)}_"

    def write(path: str, text: str) -> str:
        file = tmp_path / (prefix + path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return (prefix + path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    yield write
    for name in set(sys.modules) - before:
        del sys.modules[name]


def discovered(*checks: str, **values: object) -> PreFlightRegistry:
    registry = PreFlightRegistry()
    registry.discover(load({"checks": checks, **values}))
    return registry


def test_a_module_and_one_of_its_names_are_found(place):
    """`module` means every check in it, `module:name` that one."""
    module = place("a.py", source("one", "two"))

    assert {"one", "two"} <= {found.name for found in discovered(module)}
    only = discovered(f"{module}:One")
    assert "one" in only
    assert "two" not in only


def test_a_package_of_checks_is_found_with_its_modules(place):
    """One file per check, none of them named anywhere."""
    package = place("p/__init__.py", "")
    place("p/first.py", source("first"))
    place("p/inner/__init__.py", source("inner"))
    place("p/inner/deep.py", source("deep"))
    registry = discovered(package)

    assert {"first", "inner", "deep"} <= {found.name for found in registry}
    assert registry.broken == []


def test_a_source_that_fails_is_named_and_the_others_load(place):
    """Import errors, exits and missing modules are told with their error, redacted, in one line."""
    broken = place("broken.py", "raise OSError('postgresql://u:hunter2@h/d\\nis away')")
    leaving = place("leaving.py", "import sys; sys.exit(3)")
    syntax = place("syntax.py", "def")
    good = place("good.py", source("good"))
    registry = discovered(broken, leaving, syntax, "nowhere.at.all", f"{good}:Nothing", good)
    told = {found.source: found.error for found in registry.broken}

    assert "good" in registry
    assert list(told) == [broken, leaving, syntax, "nowhere.at.all", f"{good}:Nothing"]
    assert told[broken] == "OSError: postgresql://u:***@h/d is away"
    assert told[leaving] == "SystemExit: 3"
    assert told[syntax].startswith("SyntaxError")
    assert told["nowhere.at.all"] == "ModuleNotFoundError: No module named 'nowhere'"
    assert "has no attribute 'Nothing'" in told[f"{good}:Nothing"]


def test_a_broken_module_of_a_package_leaves_its_neighbours_alone(place):
    """The file is named, the rest of the package is asked."""
    package = place("p/__init__.py", "")
    place("p/a_broken.py", "1 / 0")
    place("p/b_good.py", source("neighbour"))
    registry = discovered(package)

    assert "neighbour" in registry
    assert [found.source for found in registry.broken] == [f"{package}.a_broken"]
    assert registry.broken[0].error == "ZeroDivisionError: division by zero"


def test_a_wrong_check_leaves_its_neighbours_alone(place):
    """One class of a module breaks a rule; the others are registered."""
    text = source("good") + "\nclass Bad(PreFlightCheck):\n    name = 'Bad'\n    def execute(self, context): ...\n"
    module = place("m.py", HEAD + text + CHECK.format(cls="Zlast", name="last"))
    registry = discovered(module)

    assert {"good", "last"} <= {found.name for found in registry}
    assert [found.source for found in registry.broken] == [f"{module}.Bad"]
    assert "its name must be 1 to 64" in registry.broken[0].error


def test_a_name_in_two_modules_is_told_with_both_places(place):
    """The first one stays, the second one is named as broken."""
    first, second = place("first.py", source("same")), place("second.py", source("same"))
    registry = discovered(first, second)

    assert "same" in registry
    assert "Two checks are called 'same'" in registry.broken[0].error
    assert "first.py:" in registry.broken[0].error
    assert "second.py:" in registry.broken[0].error


def test_checks_that_a_module_imports_are_registered_once(place):
    """Re-exported classes belong to their own module; instances are the same check."""
    module = place("own.py", source("own") + "\nmade = Own()\n")
    other = place("other.py", f"from {module} import Own, made\n")
    registry = discovered(module, other, module)

    assert "own" in registry
    assert registry.broken == []


def test_private_and_abstract_classes_are_no_checks(place):
    """A base class of one's own needs an underscore or an abstract method."""
    module = place("bases.py", HEAD + BASES)

    assert discovered(module).broken == []


def test_decorated_functions_of_a_module_are_found(place):
    """A module's `@check` functions are instances that discovery registers too."""
    module = place("functions.py", HEAD + FUNCTION)
    registry = discovered(module)

    assert "decorated" in registry
    assert registry.broken == []


def test_entry_points_of_installed_packages_are_found(place, tmp_path):
    """The group `preflight.checks` of a real distribution; a broken entry is named."""
    module = place("plugin.py", source("plugged", "other"))
    information = tmp_path / "plugin-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: plugin\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(
        f"[preflight.checks]\nplugged = {module}:Plugged\nwhole = {module}\nlost = nowhere.at.all\n"
    )
    registry = discovered()

    assert {"plugged", "other"} <= {found.name for found in registry}
    assert [found.source for found in registry.broken] == ["entry point lost"]


def test_setup_is_called_before_checks_are_imported(place):
    """`PREFLIGHT_SETUP` prepares what the modules need; its failure is named."""
    prepared = place("prepare.py", "ready = []\ndef start():\n    ready.append(True)\n")
    module = place("needs.py", f"from {prepared} import ready\nassert ready\n" + source("needs"))

    assert "needs" in discovered(module, setup=f"{prepared}:start")
    assert discovered(setup="nowhere:start").broken[0].source == "nowhere:start"


def test_a_check_costs_one_file(place):
    """Shipped checks are found by their file alone."""
    assert len(discovered()) > 0
    assert discovered().broken == []
