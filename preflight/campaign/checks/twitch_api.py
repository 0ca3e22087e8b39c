"""Ask whether Twitch lets this application in and answers."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterable
from typing import Annotated, Self

from pydantic import Field, SecretStr

from preflight import addresses
from preflight.campaign.twitch import Answer, TwitchSilent, conversation, look_up
from preflight.context import CheckContext
from preflight.declaration import PreFlightCheck
from preflight.examples import failed, passed, warning
from preflight.settings import Settings
from preflight.types import CheckResult

CORRECT_CREDENTIALS = "Correct PREFLIGHT_TWITCH_CLIENT_ID and PREFLIGHT_TWITCH_CLIENT_SECRET."
WAIT = "See Twitch's status page, and try again when it is well."


@dataclasses.dataclass(frozen=True, kw_only=True)
class TwitchApiCheck(PreFlightCheck):
    """Get a token with the application's client credentials, and ask Twitch's API for one user with it.

    The user is the one whose login is `probe_login`; whether there is such a user does not matter.
    """

    name: str = "twitch_api"
    priority: int = 5
    timeout: float = 5.0
    cache_ttl: float | None = 30.0
    cache_scope: str | None = "global"
    client_id: str = dataclasses.field(default="", metadata={"parameter": False})
    client_secret: SecretStr | None = dataclasses.field(default=None, metadata={"parameter": False})
    auth_url: str = dataclasses.field(default="https://id.twitch.tv", metadata={"parameter": False})
    api_url: str = dataclasses.field(default="https://api.twitch.tv", metadata={"parameter": False})
    allow_private: bool = dataclasses.field(default=False, metadata={"parameter": False})
    probe_login: Annotated[str, Field(pattern=r"^\w{1,25}$", description="whom Twitch is asked about")] = "twitch"

    default_remediation = WAIT
    examples = (
        passed("Twitch grants a token and answers with it"),
        warning("<https://api.twitch.tv> asks to be left alone for <7> s: too many requests", "Ask less often."),
        warning("<https://api.twitch.tv> asks to be left alone: too many requests", "Ask less often."),
        failed(
            "there are no credentials to ask Twitch with",
            "Set PREFLIGHT_TWITCH_CLIENT_ID and PREFLIGHT_TWITCH_CLIENT_SECRET.",
        ),
        failed("<https://id.twitch.tv> refuses the client id or secret with <403>", CORRECT_CREDENTIALS),
        failed("<https://id.twitch.tv> answers <503>", WAIT),
        failed("<Twitch> did not answer in time", WAIT),
        failed("<https://id.twitch.tv> cannot be reached: <Connection refused>", WAIT),
        failed("<https://id.twitch.tv> hung up instead of answering", WAIT),
        failed("<https://id.twitch.tv> does not speak HTTP", WAIT),
        failed("<https://id.twitch.tv> does not send a JSON object", WAIT),
        failed("<https://id.twitch.tv> sends more than 64 KiB", WAIT),
        failed("<https://id.twitch.tv> has a host name without an address", WAIT),
        failed("<https://api.twitch.tv> cannot be asked: a header would hold what no header may", WAIT),
        failed("<https://api.twitch.tv> does not answer as Twitch does", "Correct the address of Twitch."),
        failed(
            "<twitch.local> leads to <10.0.0.7>, which is not a public address: set PREFLIGHT_HTTP_ALLOW_PRIVATE=true"
            " if it may be called",
            WAIT,
        ),
    )

    @classmethod
    def from_settings(cls, settings: Settings) -> Iterable[Self]:
        """With `PREFLIGHT_PACKS=campaign`, even without credentials: then the check fails and says so."""
        return [
            cls(
                client_id=settings.twitch_client_id,
                client_secret=settings.twitch_client_secret,
                auth_url=settings.twitch_auth_url,
                api_url=settings.twitch_api_url,
                allow_private=settings.http_allow_private,
            )
        ]

    def warm_up(self) -> None:
        """Load what speaks with Twitch."""
        addresses.warm_up()

    async def execute(self, context: CheckContext) -> CheckResult:
        """Answer within 90 % of the timeout, whatever Twitch sends and how slowly."""
        if not self.client_id or self.client_secret is None:
            return CheckResult.failed(
                "there are no credentials to ask Twitch with",
                remediation="Set PREFLIGHT_TWITCH_CLIENT_ID and PREFLIGHT_TWITCH_CLIENT_SECRET.",
            )
        until = asyncio.get_running_loop().time() + 0.9 * self.timeout
        try:
            async with asyncio.timeout_at(until):
                return await self._answer(self.client_secret, until)
        except TimeoutError:
            return CheckResult.failed("Twitch did not answer in time", remediation=WAIT)
        except TwitchSilent as silence:
            return CheckResult.failed(str(silence), remediation=WAIT)

    async def _answer(self, secret: SecretStr, until: float) -> CheckResult:
        granted = await self._granted(secret, until)
        token = granted.body.get("access_token")
        if granted.status != 200 or not isinstance(token, str):
            return _refused(self.auth_url, granted)
        headers = {"Authorization": f"Bearer {token}", "Client-Id": self.client_id}
        async with conversation(await look_up(self.api_url, allow_private=self.allow_private), until) as api:
            users = await api.ask("GET", "/helix/users", query={"login": self.probe_login}, headers=headers)
        if users.status != 200 or not isinstance(users.body.get("data"), list):
            return _refused(self.api_url, users)
        return CheckResult.passed("Twitch grants a token and answers with it")

    async def _granted(self, secret: SecretStr, until: float) -> Answer:
        form = {"client_id": self.client_id, "client_secret": secret.get_secret_value()}
        async with conversation(await look_up(self.auth_url, allow_private=self.allow_private), until) as auth:
            return await auth.ask("POST", "/oauth2/token", form=form | {"grant_type": "client_credentials"})


def _refused(url: str, answer: Answer) -> CheckResult:
    if answer.status == 429:
        wait = "" if answer.wait_seconds is None else f" for {answer.wait_seconds} s"
        return CheckResult.warning(
            f"{url} asks to be left alone{wait}: too many requests", remediation="Ask less often."
        )
    if answer.status == 200:
        return CheckResult.failed(f"{url} does not answer as Twitch does", remediation="Correct the address of Twitch.")
    if answer.status in {400, 401, 403}:
        message = f"{url} refuses the client id or secret with {answer.status}"
        return CheckResult.failed(message, remediation=CORRECT_CREDENTIALS)
    return CheckResult.failed(f"{url} answers {answer.status}", remediation=WAIT)
