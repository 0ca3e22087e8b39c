"""Which servers drive runs: those of every version that is promised, and a clear line for the others."""

from __future__ import annotations

import contextlib

import pytest
import servers
from conftest import partner
from integration.engine.conftest import ON_EVERY_SERVER

from preflight.context import RunRequest
from preflight.embedded.server import free_port
from preflight.engine.caller import Caller, new_run_id
from preflight.engine.connection import unfit
from preflight.engine.plan import plan
from preflight.exceptions import BrokerUnavailable
from preflight.registry import PreFlightRegistry
from preflight.settings import load


@ON_EVERY_SERVER
def test_the_servers_of_these_tests_are_of_the_versions_that_they_are_called_by(bench, request):
    """What a test says about an old server was tried on one."""
    product, _, version = request.node.callspec.params["engine_server"].partition("-")
    facts = bench.client.info("server")

    told = facts["valkey_version"] if product == "valkey" else facts["redis_version"]
    assert told.startswith(f"{version}.")
    assert not unfit(facts)


@pytest.mark.parametrize("version", ["6.0.16", "5.0.14", "2.8"])
def test_an_old_redis_is_refused(version):
    """It lacks what the scripts use; the line says what to install."""
    assert unfit({"redis_version": version}) == f"Redis {version} is too old: install Redis 6.2 or newer, or Valkey"


class ClusterNode(servers.Redis):
    """A Redis with cluster mode on."""

    def prepare(self):
        super().prepare()
        with (self.directory / "valkey.conf").open("a") as file:
            file.write(f"cluster-enabled yes\ncluster-port {free_port()}\n")


def test_a_redis_cluster_is_refused_at_the_opening(tmp_path):
    """One clear line before anything is written: a run's keys would be on several servers."""
    binary = servers.redis_binary("7")
    partner("redis-server 7", binary)
    node = ClusterNode(binary, tmp_path / "node", "secret")
    node.start()
    settings = load({"redis_url": node.url, "event_types": ("test_event",), "check_redis_url": node.url})
    registry = PreFlightRegistry()
    registry.discover(settings)
    planned = plan(RunRequest.build(mode="full", event_type="test_event"), registry, settings)

    with contextlib.closing(Caller(settings)) as caller, pytest.raises(BrokerUnavailable) as raised:
        caller.open(new_run_id(), planned)
    node.stop()

    assert str(raised.value).startswith("It is a Redis Cluster, and a run's keys must be on one server")
    assert "secret" not in str(raised.value)
