"""What settings are made of: lists of words, and addresses of servers that are told apart from typing errors."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Annotated, Any, NoReturn
from urllib.parse import urlsplit

import pydantic
from pydantic import SecretStr
from pydantic_settings import NoDecode

REDIS_SCHEMES = ("redis", "rediss")
BROKER_SCHEMES = (*REDIS_SCHEMES, "amqp", "amqps")
POSTGRESQL_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg2")


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _words_if_text(value: object) -> object:
    return _words(value) if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], NoDecode, pydantic.BeforeValidator(_words_if_text)]


def checked_url(value: str, schemes: tuple[str, ...]) -> str:
    """Return the URL if it is well formed and of one of the schemes; raise `ValueError` that says what is wrong."""
    if any(character.isspace() or not character.isprintable() for character in value):
        raise ValueError("has a space, a newline or another character that no URL holds")
    scheme, colon, rest = value.partition("://")
    if not colon or scheme not in schemes:
        raise ValueError(f"must start with {' or '.join(f'{name}://' for name in schemes)}")
    if re.search(r"%(?![0-9A-Fa-f]{2})", rest):
        raise ValueError("has a '%' that is no escape: write a literal '%' as %25")
    if rest.partition("/")[0].count("@") > 1 or set("/?#") & set(rest.rpartition("@")[0]):
        raise ValueError("has a literal '@', '/', '?' or '#' in its user or password: write %40, %2F, %3F, %23")
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise ValueError("has a port that is no number from 1 to 65535") from None
    if not parts.hostname and not scheme.startswith("postgres"):
        raise ValueError("names no host")
    if port == 0:
        raise ValueError("has a port that is no number from 1 to 65535")
    return value


def _redis_url(value: SecretStr | None) -> SecretStr | None:
    if value is None or not value.get_secret_value():
        return None
    return _with_database_number(value, checked_url(value.get_secret_value(), REDIS_SCHEMES))


def _broker_url(value: SecretStr | None) -> SecretStr | None:
    if value is None or not value.get_secret_value():
        return None
    url = checked_url(value.get_secret_value(), BROKER_SCHEMES)
    return _with_database_number(value, url) if url.startswith("redis") else value


def _check_settings(value: str) -> str:
    if not value:
        return value
    try:
        found = json.loads(value, object_pairs_hook=_without_repetition, parse_constant=_refuse_number)
    except RecursionError:
        raise ValueError("is nested too deep") from None
    except ValueError as error:
        raise ValueError(f"is not JSON: {error}") from None
    if not isinstance(found, dict) or not all(isinstance(values, dict) for values in found.values()):
        raise ValueError('must be an object of objects, as {"disk": {"timeout": 3}}')
    return value


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key is there twice")
    return dict(pairs)


def _refuse_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")


def _with_database_number(value: SecretStr, url: str) -> SecretStr:
    database = urlsplit(url).path.strip("/")
    if database and not database.isdigit():
        raise ValueError("ends in a database that is no number, as in redis://host:6379/0")
    return value


def _database_url(value: SecretStr | None) -> SecretStr | None:
    if value is None or not value.get_secret_value():
        return None
    url = checked_url(value.get_secret_value(), POSTGRESQL_SCHEMES)
    if not urlsplit(url).path.strip("/"):
        raise ValueError("names no database, as in postgresql://user:password@host:5432/database")
    return SecretStr(f"postgresql+psycopg2://{url.partition('://')[2]}")


def _fernet_keys(value: SecretStr | None) -> SecretStr | None:
    if value is None or not (keys := _words(value.get_secret_value())):
        return None
    for number, key in enumerate(keys, 1):
        if not _is_fernet_key(key):
            raise ValueError(f"its key {number} is no Fernet key, which is 32 bytes in URL-safe base64")
    return SecretStr(",".join(keys))


def _is_fernet_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key, altchars=b"-_", validate=True)) == 32
    except (binascii.Error, ValueError):
        return False


RedisUrl = Annotated[SecretStr | None, pydantic.AfterValidator(_redis_url)]
BrokerUrl = Annotated[SecretStr | None, pydantic.AfterValidator(_broker_url)]
DatabaseUrl = Annotated[SecretStr | None, pydantic.AfterValidator(_database_url)]
FernetKeys = Annotated[SecretStr | None, pydantic.AfterValidator(_fernet_keys)]
CheckSettings = Annotated[str, pydantic.AfterValidator(_check_settings)]


def _secret(value: SecretStr | None) -> SecretStr | None:
    return value if value is not None and value.get_secret_value() else None


#: A secret whose form is not looked at here: a wrong one is no reason not to start.
Secret = Annotated[SecretStr | None, pydantic.AfterValidator(_secret)]
