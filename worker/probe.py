"""Ask this machine's worker or beat how it is: `python -m worker.probe [healthz|readyz]`, for images without curl.

Ends with 0 when the answer is good, with 1 when it is not or none comes. Reads the same PREFLIGHT_HEALTH_* settings.
"""

from __future__ import annotations

import http.client
import sys

from preflight.settings import settings

_TIMEOUT_SECONDS = 5.0
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # an address to ask, none to listen on


def ask(path: str) -> tuple[bool, str]:
    """Return whether the answer is good, and its text; the reason when there is none."""
    host = _ANY.get(settings().health_host, settings().health_host)
    connection = http.client.HTTPConnection(host, settings().health_port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", f"/{path}")
        response = connection.getresponse()
        return response.status == 200, response.read().decode().strip()
    except (OSError, http.client.HTTPException) as error:
        return False, f"{host}:{settings().health_port} does not answer: {error or type(error).__name__}"
    finally:
        connection.close()


def main(arguments: list[str]) -> int:
    """Print the answer and return the exit code."""
    if settings().health_port == 0:
        sys.stderr.write("PREFLIGHT_HEALTH_PORT is not set: nothing answers probes here.\n")
        return 1
    good, text = ask(arguments[0] if arguments else "healthz")
    sys.stdout.write(f"{text}\n")
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
