"""Tokens, sessions and sign-in links in PostgreSQL. Secrets are random and long, so that a plain hash keeps them."""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import hmac
import re
import secrets
import threading
from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from preflight.admin.tables import keys, links, sessions, tokens
from preflight.context import shown
from preflight.exceptions import InvalidSettings, StoreUnavailable, nearest
from preflight.reports.database import explaining, make_engine, parsed

#: A token as it is shown once: its public id, then 256 random bits.
TOKEN = re.compile(r"pft_(?P<id>[0-9a-f]{16})_(?P<secret>[A-Za-z0-9_-]{43})", re.ASCII)
SECRET = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}", re.ASCII)
SECRET_BYTES = 32


class Role(enum.StrEnum):
    """What somebody may do."""

    ADMIN = "admin"  #: see and act
    VIEWER = "viewer"  #: see


class InvalidToken(InvalidSettings):
    """A token cannot be made or found as asked."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Grant:
    """Whom a secret belongs to. `token_id` is the token behind it, if one is."""

    name: str
    role: Role
    token_id: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Token:
    """A token as it is listed: its secret is nowhere."""

    id: str
    name: str
    role: Role
    created_at: datetime
    revoked_at: datetime | None


def digest(secret: str) -> bytes:
    """Return the hash under which a secret is stored."""
    return hashlib.sha256(secret.encode()).digest()


class Credentials:
    """Who may come in. Every method asks PostgreSQL and raises `StoreUnavailable` in one line when it cannot."""

    def __init__(self, database_url: str) -> None:
        self._url = parsed(database_url)
        self._engine = make_engine(self._url)
        self._key: bytes | None = None
        self._lock = threading.Lock()

    def dispose(self) -> None:
        """Close the connections. May be used again afterwards."""
        self._engine.dispose()

    def key(self) -> bytes:
        """Return the key that cookies are signed with; read once."""
        with self._lock:
            if self._key is None:
                found = self._rows(sa.select(keys.c.key))
                if not found:
                    raise StoreUnavailable("The reports' database has no key for cookies. Run `preflight db upgrade`.")
                self._key = bytes(found[0]["key"])
            return self._key

    def create_token(self, name: str, role: Role) -> str:
        """Make a token and return its text, which is shown once; `InvalidToken` for a name that is taken or wrong."""
        if not NAME.fullmatch(name):
            raise InvalidToken(
                f"A token's name is 1 to 64 letters, digits and '_.@-', a letter or digit first, not {shown(name)}."
            )
        token_id, secret = secrets.token_hex(8), secrets.token_urlsafe(SECRET_BYTES)
        row = {"id": token_id, "name": name, "role": role.value, "hash": digest(secret), "created_at": sa.func.now()}
        if not self._execute(insert(tokens).values(row).on_conflict_do_nothing()):
            raise InvalidToken(f"A token is called {name!r} already: revoke it first, or choose another name.")
        return f"pft_{token_id}_{secret}"

    def tokens(self) -> list[Token]:
        """Return every token, the oldest first."""
        columns = [column for column in tokens.c if column.name != "hash"]
        rows = self._rows(sa.select(*columns).order_by(tokens.c.created_at, tokens.c.id))
        return [Token(**row | {"role": Role(row["role"])}) for row in rows]

    def revoke_token(self, name: str) -> None:
        """End a token and every session that was opened with it; `InvalidToken` if there is none of that name."""
        mine = (tokens.c.name == name) & tokens.c.revoked_at.is_(None)
        statement = sa.update(tokens).where(mine).values(revoked_at=sa.func.now()).returning(tokens.c.id)
        with explaining(self._url), self._engine.begin() as connection:
            revoked = connection.execute(statement).scalars().all()
            connection.execute(sa.delete(sessions).where(sessions.c.token_id.in_(revoked)))
        if not revoked:
            known = [token.name for token in self.tokens() if not token.revoked_at]
            raise InvalidToken(
                f"No token is called {shown(name)}.{nearest(name, known)} `preflight admin token list` lists them."
            )

    def token(self, text: str) -> Grant | None:
        """Return whom a token belongs to; None if it is none, or was revoked."""
        found = TOKEN.fullmatch(text)
        if not found:
            return None
        rows = self._rows(sa.select(tokens).where(tokens.c.id == found["id"], tokens.c.revoked_at.is_(None)))
        # Found by its public part and compared in constant time: how long it takes says nothing of the secret.
        if not rows or not hmac.compare_digest(bytes(rows[0]["hash"]), digest(found["secret"])):
            return None
        return Grant(name=rows[0]["name"], role=Role(rows[0]["role"]), token_id=rows[0]["id"])

    def create_link(self, role: Role, seconds: int) -> str:
        """Make the secret of a sign-in link that works once, within so many seconds."""
        secret = secrets.token_urlsafe(SECRET_BYTES)
        self._execute(sa.insert(links).values(hash=digest(secret), role=role.value, expires_at=_in(seconds)))
        return secret

    def use_link(self, secret: str) -> Grant | None:
        """Return whom a link lets in, and end it; None if it was used, is too old, or is none."""
        if not SECRET.fullmatch(secret):
            return None
        used = sa.delete(links).where(links.c.hash == digest(secret))
        rows = self._rows(used.returning(links.c.role, (links.c.expires_at > sa.func.now()).label("valid")))
        return Grant(name="link", role=Role(rows[0]["role"])) if rows and rows[0]["valid"] else None

    def open_session(self, grant: Grant, seconds: int) -> str:
        """Open a session and return its secret; what has expired meanwhile is forgotten."""
        secret = secrets.token_urlsafe(SECRET_BYTES)
        row = {"hash": digest(secret), "name": grant.name, "role": grant.role.value, "token_id": grant.token_id or None}
        with explaining(self._url), self._engine.begin() as connection:
            for table in (sessions, links):
                connection.execute(sa.delete(table).where(table.c.expires_at <= sa.func.now()))
            connection.execute(
                sa.insert(sessions).values(row | {"created_at": sa.func.now(), "expires_at": _in(seconds)})
            )
        return secret

    def session(self, secret: str) -> Grant | None:
        """Return whose session it is; None if it has ended, or never was."""
        rows = self._rows(sa.select(sessions).where(sessions.c.hash == digest(secret), _lasts()))
        if not rows:
            return None
        return Grant(name=rows[0]["name"], role=Role(rows[0]["role"]), token_id=rows[0]["token_id"] or "")

    def close_session(self, secret: str) -> None:
        """End a session; harmless if it has ended."""
        self._execute(sa.delete(sessions).where(sessions.c.hash == digest(secret)))

    def lasting_sessions(self, hashes: Collection[bytes]) -> set[bytes]:
        """Return those of the sessions that have not ended."""
        return {
            bytes(row["hash"])
            for row in self._rows(sa.select(sessions.c.hash).where(sessions.c.hash.in_(hashes), _lasts()))
        }

    def lasting_tokens(self, ids: Collection[str]) -> set[str]:
        """Return those of the tokens that were not revoked."""
        return {
            row["id"]
            for row in self._rows(sa.select(tokens.c.id).where(tokens.c.id.in_(ids), tokens.c.revoked_at.is_(None)))
        }

    def _rows(self, statement: Any) -> list[dict[str, Any]]:
        with explaining(self._url), self._engine.begin() as connection:
            return [dict(row) for row in connection.execute(statement).mappings()]

    def _execute(self, statement: Any) -> int:
        with explaining(self._url), self._engine.begin() as connection:
            return int(connection.execute(statement).rowcount)


def _in(seconds: int) -> sa.ColumnElement[datetime]:
    return sa.func.now() + sa.func.make_interval(0, 0, 0, 0, 0, 0, seconds)


def _lasts() -> sa.ColumnElement[bool]:
    return sessions.c.expires_at > sa.func.now()
