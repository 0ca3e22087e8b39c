"""`preflight up` and `preflight demo`: the embedded system in the foreground."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

from preflight.embedded import programs
from preflight.embedded.process import environment_with
from preflight.embedded.system import EmbeddedSystem
from preflight.redaction import redact
from preflight.settings import Settings, load

Announce = Callable[[str], object]

SAMPLE_EVENT = "poll_launch"
SAMPLE_CAMPAIGN = "0190a5a0-7c1e-7000-8000-000000000001"
LOOK_SECONDS = 0.2

#: The command line lives above this package, so it is started and not imported.
COMMAND = (sys.executable, "-m", "preflight")
RUN = (*COMMAND, "run", SAMPLE_EVENT)
SIGN_IN_LINK = (*COMMAND, "admin", "link")


def up(announce: Announce) -> None:
    """Start the system, announce its addresses and stay until Ctrl-C or SIGTERM; `EmbeddedError` if it cannot start."""
    with _until_interrupted():
        settings = load()
        system = EmbeddedSystem(settings)
        system.add_environment(_known_events(settings))
        with system:
            system.start_rest()
            _announce_addresses(system, announce)
            _stay(system, announce)


def demo(announce: Announce, *, once: bool = False) -> int:
    """Start the system with a sample, do one full run and return its exit code, at once or after Ctrl-C."""
    code = 1
    with _until_interrupted():
        settings = load()
        from preflight.embedded.sample import Sample

        sample = Sample(settings)
        system = EmbeddedSystem(settings, entries=programs.DEMO, migrate=sample.install)
        system.add_environment(_known_events(settings) | sample.environment(system))
        with system:
            code = _sample_run(system, announce)
            if not once:
                system.start_rest()
                _announce_addresses(system, announce)
                _stay(system, announce)
    return code


def _known_events(settings: Settings) -> dict[str, str]:
    """Make the sample's event type known besides the user's, so that there is something to run before any check."""
    return {"PREFLIGHT_EVENT_TYPES": ",".join(dict.fromkeys((*settings.event_types, SAMPLE_EVENT)))}


def _sample_run(system: EmbeddedSystem, announce: Announce) -> int:
    # Beat starts after the run, so that nobody waits for it.
    command = [*RUN, "--campaign", SAMPLE_CAMPAIGN, "--exclude", "beat"]
    run = subprocess.Popen(command, env=environment_with(system.environment))
    try:
        while run.poll() is None:
            _look_after(system, announce)
    finally:
        run.terminate()
        run.wait()
    return run.returncode


def _announce_addresses(system: EmbeddedSystem, announce: Announce) -> None:
    environment = system.environment
    announce(f"Admin page  {_sign_in_link(system)}  (works once; `preflight admin link` makes another)")
    announce(f"Flower      {system.flower_url}  user {system.settings.flower_user}, password {system.flower_password}")
    announce(f"PostgreSQL  {redact(environment['PREFLIGHT_DATABASE_URL'])}")
    announce(f"Redis       {redact(environment['PREFLIGHT_REDIS_URL'])}")
    announce(f"Data, logs  {system.home}")
    announce("Commands of this user find it: try `preflight doctor`. Ctrl-C stops it.")


def _sign_in_link(system: EmbeddedSystem) -> str:
    made = subprocess.run(
        SIGN_IN_LINK, env=environment_with(system.environment), capture_output=True, text=True, check=False
    )
    return made.stdout.strip() or redact(made.stderr.strip())


def _stay(system: EmbeddedSystem, announce: Announce) -> None:
    while True:
        _look_after(system, announce)


def _look_after(system: EmbeddedSystem, announce: Announce) -> None:
    for line in system.look_after():
        announce(line)
    time.sleep(LOOK_SECONDS)


@contextlib.contextmanager
def _until_interrupted() -> Iterator[None]:
    """End the block at Ctrl-C, SIGTERM or a closed terminal, without a traceback; it stops what it started."""
    handlers = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        with contextlib.suppress(KeyboardInterrupt):
            yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
