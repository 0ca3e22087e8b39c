"""The exact command lines of the embedded system, in one table, and where they run."""

from __future__ import annotations

import dataclasses
import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path

from preflight.embedded.process import STOP_SECONDS, Program
from preflight.exceptions import EmbeddedError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """One program of the table. Words in braces are filled in when it is started.

    `arguments` follow the Python interpreter. A run needs the programs that are `needed`: they start first.
    """

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    needed: bool = False
    stop_seconds: float = STOP_SECONDS


WORKER = ("-m", "celery", "-A", "worker", "worker")
FULL_AND_LIGHT = ("-Q", "{namespace},{namespace}.light")
REST = ("-Q", "{namespace}.requests,{namespace}.maintenance")
KEEP = ("--persistent=True", "--db={home}/flower/state", "--state_save_interval=10000")  # milliseconds
#: The port for probes, if one is set, is the first worker's.
UNPROBED = {"PREFLIGHT_HEALTH_PORT": "0"}
QUIET = ("--without-mingle", "--without-gossip", "--loglevel", "WARNING")

CHECKS = Entry(
    name="checks",
    arguments=(
        *WORKER,
        "--pool",
        "prefork",
        "--concurrency",
        "{concurrency}",
        "-n",
        "checks@%h",
        *FULL_AND_LIGHT,
        *QUIET,
    ),
    environment={"PREFLIGHT_WORKER_ROLE": "checks"},
    needed=True,
)
REQUESTS = Entry(
    name="requests",
    arguments=(*WORKER, "--concurrency", "2", "-n", "requests@%h", *REST, *QUIET),
    environment={"PREFLIGHT_WORKER_ROLE": "requests", **UNPROBED},
)
BEAT = Entry(
    name="beat",
    arguments=("-m", "celery", "-A", "worker", "beat", "--schedule", "{home}/beat/schedule", "--pidfile="),
    environment=UNPROBED,
)
#: What tells checks apart: their arguments, which read "<check> <run>"; Flower's own choice leaves them out.
COLUMNS = "--tasks-columns=name,args,uuid,state,received,runtime,worker"
FLOWER = Entry(
    name="flower",
    arguments=("-m", "celery", "-A", "worker", "flower", "--address=127.0.0.1", "--port={flower_port}", COLUMNS, *KEEP),
    # In the environment, since every user of the machine sees command lines.
    environment={"FLOWER_BASIC_AUTH": "{flower_user}:{flower_password}"},
    # Its end waits for answers of workers that are gone; what it shows was saved a few seconds ago.
    stop_seconds=1.0,
)
ADMIN = Entry(
    name="admin",
    arguments=("-m", "preflight", "admin"),
    environment={"PREFLIGHT_FLOWER_URL": "http://127.0.0.1:{flower_port}"},
    # Open pages are told, and left.
    stop_seconds=4.0,
)
REALTIME = Entry(
    name="realtime",
    arguments=("-m", "preflight.embedded.realtime", "--port", "{realtime_port}"),
    needed=True,
)
TWITCH = Entry(
    name="twitch",
    arguments=("-m", "preflight.embedded.twitch", "--port", "{twitch_port}"),
    needed=True,
)

SYSTEM = (CHECKS, REQUESTS, BEAT, FLOWER, ADMIN)
DEMO = (REALTIME, TWITCH, *SYSTEM)


def repository(package: str = "worker") -> Path:
    """Return the directory from which `celery -A worker` finds its application; `EmbeddedError` if there is none."""
    spec = importlib.util.find_spec(package)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        if (Path(place) / "celery.py").is_file() and (Path(place).parent / "beat_schedule.py").is_file():
            return Path(place).parent
    raise EmbeddedError(
        "PreFlight's package `worker` is not here (the wheel has none): run this from the repository or the image."
    )


def program(entry: Entry, words: Mapping[str, str], home: Path, environment: Mapping[str, str]) -> Program:
    """Return an entry ready to start: its words filled in, its log and its environment."""
    return Program(
        name=entry.name,
        command=(sys.executable, *(argument.format_map(words) for argument in entry.arguments)),
        log=home / "logs" / f"{entry.name}.log",
        environment={**environment, **{key: value.format_map(words) for key, value in entry.environment.items()}},
        stop_seconds=entry.stop_seconds,
        directory=repository() if "worker" in entry.arguments else None,
    )
