"""Faults of workers and of checks, scenarios 1 to 7. Each function lives one scenario through, load to recovery."""

from __future__ import annotations

import contextlib
import os
import signal
import time

import psutil
from faults.battery.world import World

#: Answers that are none, and things that no check should do.
GARBAGE = (
    "raises", "returns_none", "returns_true", "returns_dict", "returns_bytes", "returns_nan", "returns_huge",
    "returns_bytes_inside", "returns_surrogates", "returns_coroutine", "recurses", "exits", "interrupts", "ignores",
    "rejects", "forks", "changes_directory", "closes_stdout", "hoards",
)  # fmt: skip
#: Ways not to answer in time.
HANGS = (
    "sleeps", "sleeps_later", "computes", "blocks_in_c", "ignores_cancellation", "swallows_everything", "deadlocks",
)  # fmt: skip
DEATHS = ("dies", "kills_itself", "crashes")


def workers_killed(world: World) -> None:
    """Kill the main process of one worker after another, in the middle of checks; the others live."""
    world.start_workers(3)
    world.start_callers()
    for _ in world.rounds(8):
        world.await_load()
        world.let(0.3, 1.2)
        victim = world.dice.choice(world.up())
        world.hit(world.asking(victim.pids) > 0)
        victim.signal(signal.SIGKILL)
        world.recover()


def all_workers_killed(world: World) -> None:
    """Kill every worker with its pool, and start them again three seconds later."""
    world.start_workers(2)
    world.start_callers()
    for _ in world.rounds(3):
        world.await_load()
        world.let(0.2, 1.0)
        kill_all(world)
        with world.blackout():
            world.let(3.0)
            world.supervised = True
        world.recover()


def kill_all(world: World) -> None:
    """End every worker at once."""
    world.supervised = False
    world.hit(sum(world.asking(worker.pids) > 0 for worker in world.workers))
    for worker in world.workers:
        worker.kill()


def all_workers_gone(world: World) -> None:
    """Kill every worker and start none: full callers store their NO-GO themselves. Then let light runs end."""
    world.start_workers(2)
    world.start_callers()
    world.await_load()
    world.let(0.2, 1.0)
    kill_all(world)
    with world.blackout():
        world.stop_callers()
        # What a worker had ended before it died waits in the outbox for the next one, and is no caller's to store.
        waiting = set(world.observer.client.zrange(world.trial.keys["outbox"], 0, -1))
        missing = [run_id for run_id in world.unstored_verdicts() if run_id not in waiting]
        if missing:
            world.told.problems.append(f"{len(missing)} verdicts were not stored without workers: {missing[:3]}")
        world.supervised = True
    world.recover()


def children_killed(world: World) -> None:
    """Kill processes of the pools that ask checks, while other checks end their own process."""
    world.start_workers(2)
    world.start_callers(odd=0.03, oddities=DEATHS)
    for _ in world.rounds(48):
        world.await_load()
        world.let(0.1, 0.5)
        worker = world.dice.choice(world.up())
        children = sorted(pid for pid in worker.pids - {worker.child.pid} if world.asking({pid}))
        if children:
            world.hit()
            with contextlib.suppress(ProcessLookupError):
                os.kill(world.dice.choice(children), signal.SIGKILL)
    world.hit(world.said("brief", "asked"))
    world.recover()


def worker_frozen(world: World) -> None:
    """Stop one of two workers for ten seconds, then let it go on: its answers come too late."""
    world.start_workers(2)
    world.start_callers(timeout=6.0)
    for _ in world.rounds(2):
        world.await_load()
        world.let(0.1, 0.7)
        worker = world.dice.choice(world.up())
        world.until(lambda victim=worker: world.asking(victim.pids), "the worker asks checks")
        frozen = worker.pids
        world.hit(world.asking(frozen))
        send(frozen, signal.SIGSTOP)
        world.let(10.0)
        send(frozen, signal.SIGCONT)
        world.recover()


def send(pids: set[int], number: signal.Signals) -> None:
    """Send processes a signal; those that have ended meanwhile are left out."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            psutil.Process(pid).send_signal(number) if psutil.pid_exists(pid) else None


def messages_doubled(world: World) -> None:
    """Queue every check that is seen in a queue again, while it waits, while it runs, and after its run has ended."""
    world.start_workers(2)
    world.start_callers()
    world.await_load()
    world.told.asked_once = True
    until = time.monotonic() + 10 * world.effort
    seen: dict[str, dict[str, str]] = {}
    while time.monotonic() < until:
        for run_id in world.observer.open_now():
            fields = world.observer.client.hgetall(world.trial.keys.state(run_id))
            if fields:
                seen[run_id] = fields
                world.hit(double(world, run_id, fields))
        world.let(0.05, 0.3)
    for run_id, fields in seen.items():
        world.hit(double(world, run_id, fields, again=True))
    world.recover()


def double(world: World, run_id: str, fields: dict[str, str], *, again: bool = False) -> int:
    """Queue a run's checks that wait or run (`again`: the last ones, after the end); return how many."""
    pushed = 0
    for field, place in fields.items():
        if field.startswith("s:") and place[0] in "qr":
            number = int(place.split(" ")[1])
            message = world.trial.message(run_id, field[2:], number, fields["queue"])  # type: ignore[arg-type]
            world.observer.client.lpush(fields["queue"], message)
            pushed += 1
    return pushed


def checks_hang(world: World) -> None:
    """Let one run in fifteen ask a check that never answers: sleeping, computing, in C, deaf, deadlocked."""
    world.start_workers(2)
    world.start_callers(odd=0.07, oddities=HANGS)
    world.await_load()
    world.let(12 * world.effort)
    world.hit(world.said("brief", "asked"))
    world.stop_callers()
    world.recover()


def checks_misbehave(world: World) -> None:
    """Let a third of the runs ask a check that raises, answers garbage, exits, forks, or closes what is not its own."""
    world.start_workers(2)
    world.start_callers(odd=0.33, oddities=GARBAGE)
    world.await_load()
    world.let(10 * world.effort)
    world.hit(world.said("brief", "asked"))
    world.recover()
