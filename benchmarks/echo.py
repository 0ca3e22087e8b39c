"""The other end of the six hops: sends back whatever arrives. `python -m benchmarks.echo`, `ECHO_REDIS_URL` set."""

from __future__ import annotations

import os

import redis

REDIS = "ECHO_REDIS_URL"
THERE, BACK = "echo.there", "echo.back"


def serve(client: redis.Redis) -> None:
    """Echo until the launcher ends this process."""
    while True:
        if taken := client.brpop([THERE], timeout=5):
            client.lpush(BACK, taken[1])


if __name__ == "__main__":
    serve(redis.Redis.from_url(os.environ[REDIS], socket_timeout=30))  # longer than it blocks
