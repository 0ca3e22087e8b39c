"""Streamers' tokens at rest: Fernet, with as many keys as a rotation needs."""

from __future__ import annotations

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr

from preflight.campaign.source import SourceUnavailable


class Keys:
    """The keys of `PREFLIGHT_CAMPAIGN_KEYS`: the first encrypts, all of them decrypt."""

    def __init__(self, keys: SecretStr | None) -> None:
        """Take well-formed keys separated by commas; raise `SourceUnavailable` if there are none."""
        if keys is None:
            raise SourceUnavailable(
                "PREFLIGHT_CAMPAIGN_KEYS is not set, so that no token of a streamer can be read",
                "Set PREFLIGHT_CAMPAIGN_KEYS to the key that the tokens were encrypted with.",
            )
        self._fernet = MultiFernet([Fernet(key) for key in keys.get_secret_value().split(",")])

    def encrypt(self, token: str) -> str:
        """Return a token as it is stored."""
        return self._fernet.encrypt(token.encode()).decode()

    def decrypt(self, stored: str, owner: str) -> SecretStr:
        """Return the token of a streamer; raise `SourceUnavailable` if none of the keys fits."""
        try:
            return SecretStr(self._fernet.decrypt(stored).decode())
        except InvalidToken:
            raise _no_key_fits(owner) from None

    def rotate(self, stored: str, owner: str) -> str:
        """Return what is stored encrypted with the first key; raise `SourceUnavailable` if none of the keys fits."""
        try:
            return self._fernet.rotate(stored).decode()
        except InvalidToken:
            raise _no_key_fits(owner) from None


def _no_key_fits(owner: str) -> SourceUnavailable:
    return SourceUnavailable(
        f"no key of PREFLIGHT_CAMPAIGN_KEYS decrypts the token of {owner}",
        "Add the key that it was encrypted with to PREFLIGHT_CAMPAIGN_KEYS, or have the streamer sign in again.",
    )
