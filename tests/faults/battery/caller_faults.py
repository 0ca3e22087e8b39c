"""Faults of callers and of what they or others send: scenarios 18, 20 and 21."""

from __future__ import annotations

import base64
import json
import signal
from uuid import uuid4

from faults.battery.world import World


def callers_killed(world: World) -> None:
    """Kill callers that wait, interrupt their thread, cancel their tasks: their runs end and are stored."""
    world.start_workers(2)
    world.start_callers(processes=1)
    world.start_caller(full=12, style="cancel")
    world.start_caller(style="interrupt")
    for _ in world.rounds(5):
        victim = world.start_caller(full=28)
        world.await_load()
        world.let(0.2, 0.8)
        world.hit()
        victim.signal(signal.SIGKILL)
    world.let(3.0)
    world.hit(world.noted("gone"))
    world.recover()


def five_hundred(world: World) -> None:
    """Let five hundred callers wait at once for one worker."""
    world.start_workers(1)
    world.start_callers(full=250, timeout=20.0, ms=(1.0, 10.0), once=True, light_pause=0.2)
    world.await_load(400)
    world.hit(world.told.in_flight[-1])
    world.stop_callers()
    world.recover()


def _envelope(world: World, body: str, **headers: str) -> str:
    message = json.loads(world.trial.message(uuid4(), "alpha"))
    message["headers"] |= headers
    message["body"] = base64.b64encode(body.encode()).decode()
    message["properties"]["body_encoding"] = "base64"
    return json.dumps(message)


def _without(world: World, part: str) -> str:
    message = json.loads(world.trial.message(uuid4(), "alpha"))
    del message[part]
    return json.dumps(message)


def _pickled(world: World) -> str:
    return json.dumps(
        json.loads(world.trial.message(uuid4(), "alpha")) | {"content-type": "application/x-python-serialize"}
    )


POISONS = (
    lambda world: "this is no message",
    lambda world: "[1, 2, 3]",
    lambda world: "{}",
    lambda world: "{" * 100_000,
    lambda world: _without(world, "body"),
    lambda world: _without(world, "properties"),
    lambda world: _without(world, "headers"),
    lambda world: _envelope(world, "{{{"),
    lambda world: _envelope(world, '{"run": 1}'),
    lambda world: _envelope(world, "[[1, null, {}], {}, {}]"),
    lambda world: _envelope(world, "[[], {}, {}]"),
    lambda world: _envelope(world, "[[], {}, {}]", task="preflight.nothing"),
    lambda world: _envelope(world, json.dumps([["x" * 2_000_000], {}, {}])),
    lambda world: world.trial.message(uuid4(), "alpha"),
    lambda world: world.trial.message(uuid4(), "nobody"),
    lambda world: world.trial.message("../../x", "alpha"),
    _pickled,
)


def poisoned(world: World) -> None:
    """Put messages that are nonsense on each queue by hand, between those that are not."""
    world.start_workers(2)
    world.start_workers(1, role="requests")
    world.start_callers()
    before = {worker.child.pid for worker in world.workers}
    for _ in world.rounds(4):
        world.await_load()
        for queue in world.trial.keys.queues:
            for poison in world.dice.sample(POISONS, len(POISONS)):
                world.observer.client.lpush(queue, poison(world))
                world.hit()
        world.let(0.5, 1.5)
        world.recover()
    after = {worker.child.pid for worker in world.workers}
    if before != after:
        world.told.problems.append(f"{len(after - before)} workers ended because of a message")
