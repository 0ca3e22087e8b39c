"""What `tokens` takes for 200 streamers when Twitch takes 50 ms: `python -m benchmarks.tokens [--first]`.

A process that has loaded what a worker loads before its pool starts asks a sample Twitch in a process of its own. 200
tokens, 16 at a time, are 13 rounds of 50 ms. With `--first` only a process's first question is measured, each time in a
new process.
"""

from __future__ import annotations

import asyncio
import functools
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from uuid import UUID

from pydantic import SecretStr

from preflight.campaign.campaigns import Campaigns
from preflight.campaign.checks.tokens import TokensCheck
from preflight.campaign.source import Streamer
from preflight.context import CheckContext
from preflight.embedded.twitch import Trouble, Twitch

STREAMERS, VALIDATION_SECONDS = 200, 0.05
GOAL_MS = 16 * 1000 * VALIDATION_SECONDS
TIMES = 10
CONTEXT = CheckContext(mode="full", event_type="benchmark", campaign_id=UUID(int=1))


class Crowd:
    """A campaign of many streamers whose tokens are good."""

    def streamers(self, campaign_id: UUID, streamer_ids: Sequence[str]) -> list[Streamer]:
        """Return all of them."""
        return [
            Streamer(id=f"s{n}", name=f"s{n}", active=True, authorised=True, token=SecretStr(f"t{n}"))
            for n in range(STREAMERS)
        ]


def serve() -> None:
    """Be the Twitch: print the address, and answer until the end of the input."""
    twitch = Twitch({f"t{n}": 0 for n in range(STREAMERS)})
    twitch.troubles["/oauth2/validate"] = Trouble(first=functools.partial(time.sleep, VALIDATION_SECONDS))
    with twitch.running():
        print(twitch.url, flush=True)
        sys.stdin.read()


def asked(url: str, times: int) -> list[float]:
    """Return what each of some questions took in this process, in ms."""
    campaigns = Campaigns(named="benchmarks.tokens:Crowd")
    check = TokensCheck(auth_url=url, allow_private=True, campaigns=campaigns, timeout=60.0)
    check.warm_up()
    took = []
    for _ in range(times):
        started = time.perf_counter()
        result = asyncio.run(check.execute(CONTEXT))
        took.append((time.perf_counter() - started) * 1000)
        assert result.message == f"the tokens of {STREAMERS} streamers are valid", result.message
    return took


def in_new_processes(url: str) -> list[float]:
    """Return what the first question of each of some processes took."""
    command = [sys.executable, "-m", "benchmarks.tokens", "--ask", url]
    return [float(subprocess.check_output(command, text=True)) for _ in range(TIMES)]


def main(words: list[str]) -> None:
    """Measure, and print the median and the worst beside the goal."""
    command = [sys.executable, "-m", "benchmarks.tokens", "--serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        url = server.stdout.readline().strip()
        took = in_new_processes(url) if "--first" in words else asked(url, 1 + TIMES)[1:]
        server.communicate()
    kind = "first of a process" if "--first" in words else "warm"
    print(
        f"{kind}: median {statistics.median(took):.0f} ms, worst {max(took):.0f} ms of {TIMES} (goal {GOAL_MS:.0f} ms)"
    )


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--serve"]:
            serve()
        case ["--ask", address]:
            print(asked(address, 1)[0])
        case rest:
            main(rest)
