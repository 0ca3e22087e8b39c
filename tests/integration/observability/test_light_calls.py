"""How light calls fare, in an application's own metrics."""

from __future__ import annotations

import documents
from prometheus_client import REGISTRY, CollectorRegistry

from preflight import runner
from preflight.observability.process import LightCalls

REASONS = {"dropped": 2, "unsent": 1, "invalid": 2}


class Runner:
    """One whose light calls have met everything."""

    @property
    def light_counts(self):
        return {"attempted": 10, "sent": 5, **REASONS}


def test_every_fate_of_a_light_call_is_a_number():
    """Asked for, sent, and lost for each reason."""
    registry = CollectorRegistry()
    registry.register(LightCalls(Runner(), "shop"))
    lost = {reason: registry.get_sample_value("shop_light_calls_lost_total", {"reason": reason}) for reason in REASONS}

    assert registry.get_sample_value("shop_light_calls_total") == 10
    assert registry.get_sample_value("shop_light_calls_sent_total") == 5
    assert lost == REASONS


def test_the_documented_lines_add_them_to_the_applications_metrics(redis_url, namespace, monkeypatch):
    """As the page shows it, a call that is made is counted where the application's metrics are."""
    monkeypatch.setenv("PREFLIGHT_REDIS_URL", redis_url)
    monkeypatch.setenv("PREFLIGHT_NAMESPACE", namespace)
    (block,) = documents.blocks("python", documents.DOCS / "how-to" / "monitor.md")
    before = runner.default.light_counts.get("attempted", 0)
    names: dict[str, object] = {}
    exec(compile(block.text, str(block), "exec"), names)
    try:
        assert REGISTRY.get_sample_value("tumulte_preflight_light_calls_total") == before
    finally:
        REGISTRY.unregister(next(c for c in REGISTRY._collector_to_names if isinstance(c, LightCalls)))
