"""Make text fit to leave a process: secrets masked, characters that no store takes replaced.

Every pattern is bounded, so that its cost grows with the text's length and not with its square.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

MASK = "***"
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

_SENSITIVE = (
    r"(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|private[_-]?key|access[_-]?key|credential"
    r"|authorization|cookie|dsn)"
)
# The last '@' before a space ends the password: a literal '@' or '/' in it is an error that must not show it.
_URL_PASSWORD = re.compile(r"(?P<head>[a-z0-9+.-]://[^\s/:@]{0,256}:)\S{1,2048}(?=@)", re.IGNORECASE)
_URL_TOKEN_USER = re.compile(r"(?P<head>[a-z0-9+.-]://)[^\s/:@]{8,2048}(?=@)", re.IGNORECASE)
_HEADER = re.compile(
    r"(?P<head>\b(?:authorization|cookie):[ \t]{0,8})[^\s\"'](?:[^\r\n\"']|\"[^\r\n\"]*\")*", re.IGNORECASE
)
_BEARER = re.compile(r"(?P<head>\b(?:bearer|basic|oauth|digest)\s{1,8})[a-z0-9._~+/=-]{6,}", re.IGNORECASE)
_JSON_WEB_TOKEN = re.compile(r"(?P<head>\b)eyJ[\w-]{8,}\.[\w.-]{8,}")
# A token of the admin page: what follows its public part.
_OWN_TOKEN = re.compile(r"(?P<head>\bpft_[0-9a-f]{16}_)[\w-]{43}")
# No pattern for what precedes the word: it is kept anyway, and matching it would cost the square of the length.
_NAMED = rf"(?P<head>{_SENSITIVE}[\w.-]{{0,64}}[\\\"']{{0,4}}\s{{0,8}}[=:]\s{{0,8}})(?!{re.escape(MASK)})"
# Quoted values come before headers: a header's value ends at a quote, and would take the name but leave the value.
_QUOTED = re.compile(_NAMED + r"(?:\\\"[^\"]*\"?|\"(?:[^\"\\]|\\.)*\"?|'(?:[^'\\]|\\.)*'?)", re.IGNORECASE)
_ASSIGNED = re.compile(_NAMED + r"[^\s,;&'\")\]}]+", re.IGNORECASE)
_PATHS_THAT_NAME_DATABASES = ("redis", "rediss", "postgresql", "postgresql+psycopg2", "postgres")
_SECRET_KEY = re.compile(_SENSITIVE, re.IGNORECASE)
#: Of each, the group `head` stays.
PATTERNS = (_URL_PASSWORD, _URL_TOKEN_USER, _QUOTED, _HEADER, _BEARER, _JSON_WEB_TOKEN, _OWN_TOKEN, _ASSIGNED)
#: In folded case, one of these is in whatever a pattern matches. Nearly every text has none, and to look for them costs
#: a twentieth of trying the patterns. No letter i: folded, its variants are not one letter.
HINTS = re.compile(r"://|pass|pwd|secret|token|key|cred|author|cook|dsn|bear|bas|oauth|gest|eyj|pft_")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def redact(text: str) -> str:
    """Mask URLs' passwords, tokens, Authorization values and assignments to names that look secret."""
    if not HINTS.search(text.casefold()):
        return text
    for pattern in PATTERNS:
        text = pattern.sub(lambda match: match["head"] + MASK, text)
    return text


def without_secrets_of(url: str, text: str) -> str:
    """Mask in a text what a URL keeps secret, as written and unescaped: a peer may repeat whatever it was sent.

    That is the password, the user where there is none, the path of a web address, and the query.
    """
    try:
        secrets = sorted(_secrets(urlsplit(url)), key=len, reverse=True)
    except ValueError:  # a URL that cannot be taken apart is secret as a whole
        secrets = [url]
    for secret in secrets:
        text = text.replace(secret, MASK) if secret else text
    return text


def _secrets(parts: SplitResult) -> Iterator[str]:
    written = [parts.password or parts.username or "", parts.query]
    if parts.scheme not in _PATHS_THAT_NAME_DATABASES and len(parts.path) > 1:
        written.append(parts.path)
    yield from (form for text in written for form in (text, unquote(text)))
    # A value as short as "1" stands everywhere, and is no secret.
    yield from (value for _, value in parse_qsl(parts.query) if len(value) > 3)


def is_secret_name(name: str) -> bool:
    """Return whether a key is named like a secret, so that its value is never shown."""
    return bool(_SECRET_KEY.search(name))


def redact_values(value: Any) -> Any:
    """Redact every text in a JSON value; under a key that is named like a secret, mask texts and numbers whole."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {redact(str(key)): _under(str(key), item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redact_values(item) for item in value]
    return value


def _under(key: str, value: Any) -> Any:
    return _masked(value) if is_secret_name(key) else redact_values(value)


def _masked(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {redact(str(key)): _masked(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(item) for item in value]
    return value if value is None or isinstance(value, bool) else MASK


def storable(text: str) -> str:
    """Replace NUL and lone surrogates, which neither strict JSON in UTF-8 nor PostgreSQL takes."""
    return _UNSTORABLE.sub(REPLACEMENT, text)
