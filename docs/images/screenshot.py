"""Make run.svg: a real run on the embedded system, whose application has a full Redis, as a terminal shows it."""

from __future__ import annotations

import io
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from preflight import PreFlightReport, PreFlightRunner, default_registry
from preflight.cli.human import show_header, show_report
from preflight.embedded import programs
from preflight.embedded.process import wait_until
from preflight.embedded.system import EmbeddedSystem
from preflight.embedded.valkey import Valkey
from preflight.settings import load

PICTURE = Path(__file__).with_name("run.svg")
COLUMNS = 104
COMMAND = "preflight run poll_launch --short-circuit tier"
CHECKS = """
from preflight import CheckResult, check

@check(name="tokens", priority=10, event_types=["poll_launch"])
def tokens(context): return CheckResult.passed("every streamer's token is valid")

@check(name="stock", priority=20, event_types=["poll_launch"])
def stock(context): return CheckResult.passed("in stock")
"""
#: Fonts that readers have: the picture must load nothing from elsewhere.
FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace"


def main() -> None:
    """Do the run and write the picture."""
    with tempfile.TemporaryDirectory() as folder:
        PICTURE.write_text(drawn(real_report(Path(folder))))


def real_report(folder: Path) -> PreFlightReport:
    """Return the report of a run on real servers and workers, all of them in a folder."""
    (folder / "launch_checks.py").write_text(CHECKS)
    with full_redis(folder) as url:
        os.environ |= {
            "PYTHONPATH": str(folder),
            "PREFLIGHT_HOME": str(folder / "home"),
            "PREFLIGHT_CHECKS": "launch_checks",
            "PREFLIGHT_CHECK_REDIS_URL": url,
        }
        system = EmbeddedSystem(load(), entries=(programs.REALTIME, programs.CHECKS, programs.REQUESTS, programs.BEAT))
        system.add_environment({"PREFLIGHT_CHECK_WEBSOCKET_URL": system.realtime_url})
        with system:
            system.start_rest()
            os.environ |= system.environment
            return asked(folder)


@contextmanager
def full_redis(folder: Path) -> Iterator[str]:
    """Yield the address of a Redis that answers PING and refuses to write."""
    server = Valkey(folder / "full", "full")
    server.start()
    try:
        with redis.Redis.from_url(server.url) as client:
            client.config_set("maxmemory", "1")
        yield server.url
    finally:
        server.stop()


def asked(folder: Path) -> PreFlightReport:
    """Run as the command does, again until beat has ticked: then nothing has to be loaded any more either."""
    sys.path.insert(0, str(folder))
    runner, reports = PreFlightRunner(load(), default_registry()), list[PreFlightReport]()

    def ticked() -> bool:
        reports.append(runner.run(event_type="poll_launch", short_circuit="tier", raise_on_failure=False))
        return any(check.name == "beat" and check.status == "passed" for check in reports[-1].checks)

    wait_until(ticked, 60.0)
    runner.close()
    return reports[-1]


def drawn(report: PreFlightReport) -> str:
    """Return what the command prints for a report, as a picture."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), highlight=False, markup=False)
    console.print(Text.assemble(("$ ", "dim"), f"{COMMAND}\n"))
    show_header(console, report)
    show_report(console, report)
    svg = re.sub(r"@font-face \{\{.*?\}\}\n|<!--.*?-->", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    svg = svg.replace("Fira Code, monospace", FONTS).replace("arial", "sans-serif")
    text = console.export_svg(title="preflight", code_format=svg, unique_id="run")
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip()) + "\n"


if __name__ == "__main__":
    main()
