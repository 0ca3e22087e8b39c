"""What the page signs: session cookies, so that forged ones cost no query, and the token that each write must show."""

from __future__ import annotations

import base64
import hashlib
import hmac

from preflight.admin.credentials import SECRET


def cookie_of(secret: str, key: bytes) -> str:
    """Return the cookie of a session: its secret and the signature."""
    return f"{secret}.{_signature('session', secret, key)}"


def secret_of(cookie: str, key: bytes) -> str | None:
    """Return the secret in a cookie; None if it was not signed with this key."""
    secret, _, signature = cookie.partition(".")
    if not SECRET.fullmatch(secret) or not same(signature, _signature("session", secret, key)):
        return None
    return secret


def csrf_of(owner: str, key: bytes) -> str:
    """Return what a page puts into its forms to show that they are its own. `owner` is a session, or a proxy's user."""
    return _signature("csrf", owner, key)


def same(given: str, expected: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(given.encode(errors="replace"), expected.encode())


def _signature(purpose: str, text: str, key: bytes) -> str:
    made = hmac.new(key, f"{purpose}:{text}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(made).decode().rstrip("=")
