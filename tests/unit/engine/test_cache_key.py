"""Under which key an answer is kept."""

from __future__ import annotations

from preflight import CheckResult
from preflight.context import CheckContext
from preflight.declaration import FunctionCheck
from preflight.engine.cache import cache_key

CONTEXT = CheckContext(mode="full", event_type="test_event")


def kept(**declaration):
    """Return a check whose answer is kept for a minute."""
    return FunctionCheck(name="a", priority=0, function=lambda _: CheckResult.passed(), cache_ttl=60, **declaration)


def test_a_key_knows_the_parameters():
    """The answer for one threshold is not the answer for another."""
    check = kept()

    assert cache_key(check, {"limit": 1}, CONTEXT) == cache_key(check, {"limit": 1}, CONTEXT)
    assert cache_key(check, {"limit": 1}, CONTEXT) != cache_key(check, {"limit": 2}, CONTEXT)


def test_a_scope_that_is_not_there_keeps_nothing():
    """No campaign, or a scope that raises: nobody's answer is everybody's."""

    def broken(_):
        raise LookupError

    assert cache_key(kept(cache_scope="campaign"), {}, CONTEXT) == (None, 0)
    assert cache_key(kept(cache_scope=broken), {}, CONTEXT) == (None, 0)
