"""Checks that talk about secrets wherever a check can say something. Each place has a canary of its own."""

from __future__ import annotations

import logging

from preflight import CheckContext, CheckResult, PreFlightCheck

logger = logging.getLogger("shop")

#: How secrets stand in texts. The name tells which one got out.
FORMS = {
    "url": "postgresql://captain:{}@sea/ships",
    "user": "https://{}@sentry.example.com/1",
    "bearer": "sent Authorization: Bearer {}",
    "basic": "sent Proxy-Authorization: Basic {}",
    "cookie": "Cookie: session={}; theme=dark",
    "assigned": "connect failed with api_key={} in it",
    "quoted": "client(secret='{}')",
    "json": '{{"password": "{}", "user": "anna"}}',
    "query": "GET https://api.example.com/v1?access_token={}&page=2",
    "web": "token eyJhbGciOiJIUzI1NiJ9.{}.c2lnbmF0dXJl",
}
MARK = "canary"


def canary(place: str, form: str) -> str:
    """Return the secret of a form in a place."""
    return f"{MARK}0{place}0{form}0ff"


def texts(place: str) -> list[str]:
    """Return a text with a secret in each form."""
    return [text.format(canary(place, form)) for form, text in FORMS.items()]


def values(place: str) -> dict[str, object]:
    """Return JSON with secrets in texts, and under names of secrets."""
    secret = canary(place, "named")
    named = {"token": secret, "nested": {"password": [secret], "Authorization": secret}, "dsn": secret}
    return {**named, "texts": texts(place)}


class Leaky(PreFlightCheck):
    """One that logs what it should not, and raises it."""

    name = "leaky"
    event_types = ("trial",)

    def execute(self, context: CheckContext) -> CheckResult:
        """Log with arguments, a traceback and a stack; then raise, with a cause."""
        for text in texts("log"):
            logger.warning("it said: %s", text, stack_info=True)
        logger.error("with %s", {"password": canary("log", "dictionary")})
        try:
            raise LookupError("; ".join(texts("cause")))
        except LookupError as cause:
            logger.exception("raised")
            raise ValueError("\n".join(texts("exception"))) from cause


class Gossip(PreFlightCheck):
    """One whose answer holds secrets everywhere."""

    name = "gossip"
    event_types = ("trial",)

    def execute(self, context: CheckContext) -> CheckResult:
        """Say them all."""
        return CheckResult.failed(
            "; ".join(texts("message")),
            error="; ".join(texts("error")),
            remediation="; ".join(texts("remediation")),
            warnings=texts("warning"),
            metadata=values("metadata"),
        )
