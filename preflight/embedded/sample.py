"""What the demo has besides an embedded system: the pack `campaign`, its sample data, a sample Twitch."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import SecretStr

from preflight.campaign import sample
from preflight.embedded import twitch
from preflight.embedded.system import EmbeddedSystem, upgrade
from preflight.settings import Settings


class Sample:
    """The sample of one demo. The pack always asks the sample servers there, whatever the user has set for it."""

    def __init__(self, settings: Settings) -> None:
        """Take the user's keys, or one for this demo alone."""
        self._settings = settings
        self._keys = settings.campaign_keys or SecretStr(sample.new_key())

    def environment(self, system: EmbeddedSystem) -> dict[str, str]:
        """Return what the sample adds to the environment of every program."""
        return {
            "PREFLIGHT_CHECK_WEBSOCKET_URL": self._settings.check_websocket_url or system.realtime_url,
            "PREFLIGHT_PACKS": ",".join(dict.fromkeys((*self._settings.packs, "campaign"))),
            "PREFLIGHT_CAMPAIGN_KEYS": self._keys.get_secret_value(),
            "PREFLIGHT_CAMPAIGN_SOURCE": "",
            "PREFLIGHT_TWITCH_AUTH_URL": system.twitch_url,
            "PREFLIGHT_TWITCH_API_URL": system.twitch_url,
            "PREFLIGHT_TWITCH_CLIENT_ID": twitch.CLIENT_ID,
            "PREFLIGHT_TWITCH_CLIENT_SECRET": twitch.CLIENT_SECRET,
            "PREFLIGHT_HTTP_ALLOW_PRIVATE": "true",  # the sample Twitch is on loopback
        }

    def install(self, database_url: str, packs: Sequence[str]) -> None:
        """Bring the schemas to the newest version and write the sample campaigns."""
        upgrade(database_url, packs)
        sample.install(database_url, self._keys)
