"""A check's parameters: its dataclass fields, validated by pydantic, applied with `dataclasses.replace`."""

from __future__ import annotations

import dataclasses
import functools
import typing
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import pydantic
import pydantic.fields

from preflight.context import shown
from preflight.declaration import DECLARATION, FunctionCheck, source_of
from preflight.exceptions import InvalidCheck, InvalidRun, nearest
from preflight.redaction import MASK, is_secret_name, redact, redact_values

Check = TypeVar("Check")

#: How limits of numbers are told, by their names in `Field`.
_KINDS = {"ge": "from", "gt": "above", "le": "to", "lt": "below"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Parameter:
    """One parameter of a check, as documentation shows it; a secret's default is masked.

    `limits` and `meaning` are what pydantic's `Field` in its type says, nothing where that says nothing.
    """

    name: str
    type: str
    default: str
    limits: str = ""
    meaning: str = ""


def parameter_types(check: object) -> dict[str, Any]:
    """Return the type of every parameter by name; empty for a check that is no dataclass."""
    return _types_of(type(check))  # type: ignore[arg-type]  # mypy takes a class object for unhashable


@functools.cache
def _types_of(cls: type[Any]) -> dict[str, Any]:
    if not dataclasses.is_dataclass(cls) or issubclass(cls, FunctionCheck):
        return {}
    hints = typing.get_type_hints(cls, include_extras=True)
    fields = [field for field in dataclasses.fields(cls) if field.init and not field.name.startswith("_")]
    return {field.name: hints[field.name] for field in fields if _is_parameter(field)}


def _is_parameter(field: dataclasses.Field[Any]) -> bool:
    # Where a check connects to is for code and settings to say, never for the arguments of a run.
    return field.name not in DECLARATION and field.metadata.get("parameter", True) is True


@functools.cache
def _adapter(annotation: Any) -> pydantic.TypeAdapter[Any]:
    return pydantic.TypeAdapter(annotation, config=pydantic.ConfigDict(arbitrary_types_allowed=True))


def with_parameters(name: str, check: Check, values: Mapping[str, Any]) -> Check:
    """Return the check with parameters applied; raise `InvalidRun` for an unknown name or a wrong value."""
    if not values:
        return check
    types = parameter_types(check)
    for key in values:
        if key not in types:
            has = f" It has {', '.join(sorted(types))}." if types else " It has no parameters."
            raise InvalidRun(f"Check {name!r} has no parameter {shown(key)}.{nearest(str(key), types)}{has}")
    valid = {key: _valid(name, key, types[key], value) for key, value in values.items()}
    return typing.cast("Check", dataclasses.replace(typing.cast("Any", check), **valid))


def validate_parameters(check: Any) -> None:
    """Raise `InvalidCheck` when a parameter's type cannot be read or its value is not of that type."""
    try:
        for name, annotation in parameter_types(check).items():
            _adapter(annotation).validate_python(getattr(check, name))
    except pydantic.ValidationError as error:
        reason = f"its parameter {name} has a value that is wrong: {error.errors()[0]['msg']}"
    except Exception as error:  # a type that pydantic or typing cannot read raises of all kinds
        reason = f"the types of its parameters cannot be read: {type(error).__name__}: {shown(str(error))}"
    else:
        return
    raise InvalidCheck(f"The check at {source_of(check)} cannot be registered: {reason}.")


def _valid(name: str, key: str, annotation: Any, value: Any) -> Any:
    try:
        return _adapter(annotation).validate_python(value)
    except pydantic.ValidationError as error:
        given = MASK if is_secret_name(key) else redact(shown(value))
        raise InvalidRun(f"Parameter {name}.{key}={given} is wrong: {error.errors()[0]['msg']}.") from None


def parameters(check: object) -> list[Parameter]:
    """Return the parameters of a check for its documentation, in the order of its fields."""
    types = parameter_types(check)
    return [
        Parameter(
            name=name,
            type=_type_name(types[name]),
            default=_default(name, getattr(check, name)),
            limits=_limits(types[name]),
            meaning=_meaning(types[name]),
        )
        for name in types
    ]


def _limits(annotation: Any) -> str:
    """Return the range of a number in words, "0 to 100"."""
    found = {
        kind: getattr(limit, kind) for limit in _constraints(annotation) for kind in _KINDS if hasattr(limit, kind)
    }
    words = [f"{word} {found[kind]:g}" for kind, word in _KINDS.items() if kind in found]
    return " ".join(words).removeprefix("from ") if len(words) > 1 else "".join(words)


def _meaning(annotation: Any) -> str:
    descriptions = (getattr(part, "description", None) for part in getattr(annotation, "__metadata__", ()))
    return next((text for text in reversed([*descriptions]) if text), "")


def _constraints(annotation: Any) -> Iterator[Any]:
    for part in getattr(annotation, "__metadata__", ()):
        yield from part.metadata if isinstance(part, pydantic.fields.FieldInfo) else (part,)


def plain_value(check: object, name: str) -> Any:
    """Return a parameter's value as JSON holds it, masked if it is a secret."""
    value = getattr(check, name)
    if is_secret(check, name):
        return MASK
    try:
        return redact_values(_adapter(parameter_types(check)[name]).dump_python(value, mode="json"))
    except Exception:  # of a type that has no form in JSON
        return redact(str(value))


def is_secret(check: object, name: str) -> bool:
    """Return whether a parameter's value must never be shown."""
    secret = isinstance(getattr(check, name), pydantic.SecretStr | pydantic.SecretBytes)
    return secret or "Secret" in _type_name(parameter_types(check)[name]) or is_secret_name(name)


def _type_name(annotation: Any) -> str:
    if typing.get_origin(annotation) is typing.Annotated:
        annotation = typing.get_args(annotation)[0]
    return annotation.__name__ if isinstance(annotation, type) else str(annotation).replace("typing.", "")


def _default(name: str, value: object) -> str:
    if isinstance(value, pydantic.SecretStr | pydantic.SecretBytes) or (is_secret_name(name) and value):
        return MASK
    return redact(str(value))
