"""Who a request comes from, and what that lets it do. Routes take a `Viewer` or an `Admin`."""

from __future__ import annotations

import dataclasses
import functools
import re
from typing import Annotated

from fastapi import Depends
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from preflight.admin.attempts import Attempts
from preflight.admin.credentials import Credentials, Grant, Role, digest
from preflight.admin.problems import Problem
from preflight.admin.proxy import Origin
from preflight.admin.signatures import csrf_of, masked, secret_of
from preflight.settings import Settings

COOKIE = "preflight_session"
SIGN_IN = "/admin/sign-in"
_BEARER = re.compile(r"bearer +(?P<token>\S+) *", re.IGNORECASE | re.ASCII)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Visitor:
    """Somebody who was recognised.

    `csrf` is what a write of a browser must show; it is empty for a token in the request, which no other site can send.
    `session` is the hash of the session, if there is one.
    """

    name: str
    role: Role
    csrf: str = ""
    session: bytes = b""
    token_id: str = ""

    @functools.cached_property
    def shown_csrf(self) -> str:
        """What the forms of one page show."""
        return masked(self.csrf)

    @property
    def may_act(self) -> bool:
        """Whether writes are allowed."""
        return self.role is Role.ADMIN


class Access:
    """Recognises who a request comes from."""

    def __init__(self, settings: Settings, credentials: Credentials) -> None:
        self.settings = settings
        self.credentials = credentials
        self.attempts = Attempts()

    async def visitor(self, request: Request, origin: Origin) -> Visitor | None:
        """Return who it is, None for a stranger; a `Problem` for a token that is wrong. Asks PostgreSQL if need be."""
        if (given := request.headers.get("authorization")) is not None:
            return await self._bearer(given, origin)
        if origin.user:
            return await run_in_threadpool(self._of_proxy, origin.user)
        if cookie := request.cookies.get(COOKIE, ""):
            return await run_in_threadpool(self._of_cookie, cookie)
        return None

    async def _bearer(self, given: str, origin: Origin) -> Visitor:
        """Return the visitor of a token. A right one is never refused for wrong ones from its address."""
        found = _BEARER.fullmatch(given)
        grant = await run_in_threadpool(self.credentials.token, found["token"]) if found else None
        if grant:
            return Visitor(name=grant.name, role=grant.role, token_id=grant.token_id)
        self.refuse_hammering(origin)
        self.attempts.wrong(origin.address)
        raise Problem(401, "This token is not known, or was revoked.", {"WWW-Authenticate": "Bearer"})

    def refuse_hammering(self, origin: Origin) -> None:
        """Raise a `Problem` if too many wrong tries came from an address."""
        if seconds := self.attempts.wait_seconds(origin.address):
            line = f"Too many wrong tries from this address: wait {seconds} s."
            raise Problem(429, line, {"Retry-After": str(seconds)})

    def _of_proxy(self, user: str) -> Visitor:
        role = Role.ADMIN if user in self.settings.admin_proxy_admins else Role.VIEWER
        return Visitor(name=user, role=role, csrf=csrf_of(f"proxy {user}", self.credentials.key()))

    def _of_cookie(self, cookie: str) -> Visitor | None:
        key = self.credentials.key()
        secret = secret_of(cookie, key)
        grant = self.credentials.session(secret) if secret else None
        if secret is None or grant is None:
            return None
        session = digest(secret)
        csrf = csrf_of(session.hex(), key)
        return Visitor(name=grant.name, role=grant.role, csrf=csrf, session=session, token_id=grant.token_id)

    def token(self, text: str) -> Grant | None:
        """Return whom a token that was typed in belongs to."""
        return self.credentials.token(text)

    def lasting(self, visitors: frozenset[Visitor]) -> frozenset[Visitor]:
        """Return those who would still be let in. Two questions, however many they are."""
        hashes = {one.session for one in visitors if one.session}
        ids = {one.token_id for one in visitors if one.token_id and not one.session}
        sessions = self.credentials.lasting_sessions(hashes) if hashes else set()
        tokens = self.credentials.lasting_tokens(ids) if ids else set()
        return frozenset(one for one in visitors if _lasts(one, sessions, tokens))


def _lasts(visitor: Visitor, sessions: set[bytes], tokens: set[str]) -> bool:
    if visitor.session:
        return visitor.session in sessions
    return visitor.token_id in tokens if visitor.token_id else True  # a proxy's user is asked for at every request


def viewer(request: Request) -> Visitor:
    """Return who the request comes from; a `Problem` for a stranger. For routes that show."""
    visitor: Visitor | None = getattr(request.state, "visitor", None)
    if visitor is None:
        raise Problem(401, "Sign in, or send a token in the header Authorization.", {"WWW-Authenticate": "Bearer"})
    return visitor


def admin(request: Request) -> Visitor:
    """Return who the request comes from; a `Problem` for who may only look. For routes that act."""
    visitor = viewer(request)
    if not visitor.may_act:
        raise Problem(403, f"{visitor.name} may look and not act: it takes the role admin.")
    return visitor


Viewer = Annotated[Visitor, Depends(viewer)]
Admin = Annotated[Visitor, Depends(admin)]
