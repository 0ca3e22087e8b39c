"""Redis restarts or falls silent in the middle of runs: they wait it out, and afterwards nobody stays deaf."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from acceptance.processes import eventually

from preflight.exceptions import ReportNotReady
from preflight.threads import in_daemon_thread


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_a_restarted_redis_ends_no_run(fragile_redis, private_valkey, pool):
    """With an append-only file the state survives: the run that was open ends rightly, and so does the next."""
    fragile_redis.worker(pool)
    story = fragile_redis.story({"alpha": "waits", "five": "passes", "twenty": "passes"})
    run = fragile_redis.start(story)
    story.await_asked("alpha")
    private_valkey.stop()
    story.open_gate()  # the answer has nowhere to go yet
    private_valkey.start()

    report = run.report(timeout=60)

    assert report.success, report.reason
    assert story.asked == ["alpha", "five", "twenty"]
    assert fragile_redis.stored(report.id).to_json() == report.to_json()
    fragile_redis.expect_go()


def test_the_first_run_after_a_restart_is_go(fragile_redis, private_valkey):
    """The process has idled since its last run, and the connection that it kept is dead: the next run just works."""
    worker = fragile_redis.worker()
    fragile_redis.expect_go()
    private_valkey.stop()
    private_valkey.start()
    fragile_redis.await_heartbeat(worker)

    fragile_redis.expect_go()


def test_a_dying_check_is_noticed_after_a_reconnection_too(fragile_redis, private_valkey):
    """The worker that has lost and found its Redis still hears of its dead processes at once."""
    fragile_redis.worker()
    private_valkey.stop()
    private_valkey.start()
    eventually(fragile_redis.live, "the worker announces itself again")

    report = fragile_redis.run({"alpha": "kills_itself"})

    assert report["alpha"].message == "the worker process died (signal 9)"


def test_a_redis_that_is_silent_for_a_while_ends_no_run(fragile_redis, private_valkey):
    """Paused for three seconds: the caller waits it out within its deadline, the answer is handed in afterwards."""
    fragile_redis.worker()
    story = fragile_redis.story({"alpha": "waits", "five": "passes"})
    run = fragile_redis.start(story)
    story.await_asked("alpha")
    private_valkey.pause()
    story.open_gate()
    with pytest.raises(ReportNotReady):
        run.report(timeout=3)
    private_valkey.resume()

    report = run.report(timeout=60)

    assert report.success, report.reason
    assert story.asked == ["alpha", "five"]
    assert fragile_redis.stored(report.id).to_json() == report.to_json()
    fragile_redis.expect_go()


def test_a_redis_that_stays_away_is_no_go_by_the_deadline(fragile_redis, private_valkey):
    """The caller has its verdict although nobody can be asked, and stores it itself; it wins over what comes later."""
    fragile_redis.worker()
    story = fragile_redis.story({"alpha": "waits"})
    run = fragile_redis.start(story, timeout=3)
    story.await_asked("alpha")
    private_valkey.stop()
    story.open_gate()

    report = run.report(timeout=30)

    assert not report.success
    assert report["broker"].status == "error"
    assert report.duration_ms <= 3000 + 3000
    assert fragile_redis.stored(report.id).to_json() == report.to_json()
    private_valkey.start()
    eventually(fragile_redis.live, "the worker announces itself again")
    fragile_redis.expect_go()
    assert fragile_redis.stored(report.id).to_json() == report.to_json()


def test_callers_in_an_event_loop_share_no_threads_while_redis_is_silent(fragile_redis, private_valkey):
    """Many wait, and the application keeps all of asyncio's own threads busy: each is told in time all the same."""
    fragile_redis.worker()
    story = fragile_redis.story({"alpha": "waits"})
    executor, busy = ThreadPoolExecutor(1), threading.Event()

    def all_open():
        return len(fragile_redis.client.keys("*:r:*")) == 60

    async def all_told():
        loop = asyncio.get_running_loop()
        loop.set_default_executor(executor)
        executor.submit(busy.wait)
        details = fragile_redis.details(story) | {"timeout": 3, "raise_on_failure": False}
        try:
            async with asyncio.timeout(60):
                waits = [asyncio.create_task(fragile_redis.runner.arun(mode="full", **details)) for _ in range(60)]
                await in_daemon_thread(lambda: eventually(all_open, "every run is open"))
                private_valkey.pause()
                return await asyncio.gather(*waits)
        finally:
            private_valkey.resume()
            busy.set()

    reports = asyncio.run(all_told())

    assert {report["broker"].status for report in reports} == {"error"}
    assert max(report.duration_ms for report in reports) <= 3000 + 2000


@pytest.mark.parametrize("role", ["checks", "all"])
def test_a_worker_outlives_a_redis_that_refuses(fragile_redis, private_valkey, role):
    """A read-only replica gives no message and takes no acknowledgement: the same worker asks until it can."""
    worker = fragile_redis.worker(PREFLIGHT_WORKER_ROLE=role)
    fragile_redis.client.replicaof("127.0.0.1", "1")
    eventually(lambda: "no message can be taken" in worker.log, "the worker is refused", lambda: worker.log)
    fragile_redis.client.replicaof("NO", "ONE")

    fragile_redis.expect_go()
    assert not worker.ended()


def test_a_flushed_redis_leaves_no_endless_waiter(fragile_redis):
    """The state of an open run is gone: its caller is told so, NO-GO, and stores that."""
    fragile_redis.worker()
    story = fragile_redis.story({"alpha": "waits", "five": "passes"})
    run = fragile_redis.start(story)
    story.await_asked("alpha")
    fragile_redis.client.flushall()
    story.open_gate()

    report = run.report(timeout=30)

    assert not report.success
    assert report["broker"].message == "the run's state was lost"
    assert fragile_redis.stored(report.id).to_json() == report.to_json()
    eventually(fragile_redis.live, "the worker announces itself again")
    fragile_redis.expect_go()
