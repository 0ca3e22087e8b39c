"""What the page signs: session cookies, so that forged ones cost no query, and the token that each write must show."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

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


def masked(csrf: str) -> str:
    """Return it in a form that is another every time.

    A compressed page that holds both a secret and what its address asks for would give the secret away by its length.
    """
    pad = secrets.token_bytes(len(csrf))
    return base64.urlsafe_b64encode(pad + _xor(pad, csrf.encode())).decode()


def unmasked(shown: str) -> str:
    """Return what was masked; nothing if it was not."""
    try:
        both = base64.b64decode(shown.encode("ascii"), altchars=b"-_", validate=True)
        half = len(both) // 2
        return _xor(both[:half], both[half:]).decode("ascii")
    except ValueError:
        return ""


def _xor(pad: bytes, text: bytes) -> bytes:
    return bytes(one ^ other for one, other in zip(pad, text, strict=True))


def same(given: str, expected: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(given.encode(errors="replace"), expected.encode())


def _signature(purpose: str, text: str, key: bytes) -> str:
    made = hmac.new(key, f"{purpose}:{text}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(made).decode().rstrip("=")
