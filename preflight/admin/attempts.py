"""Wrong sign-ins by address. Kept in the process: secrets have 256 random bits, so this only bounds noise and cost."""

from __future__ import annotations

import collections
import ipaddress
import threading
import time
from collections.abc import Callable

MOST_WRONG = 10
WINDOW_SECONDS = 300.0
#: Addresses that are remembered; the one that was wrong longest ago is forgotten first.
MOST_ADDRESSES = 10_000


class Attempts:
    """Counts wrong tries. An address with ten within five minutes waits until the oldest of them is over."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._wrong: collections.OrderedDict[str, collections.deque[float]] = collections.OrderedDict()

    def wrong(self, address: str) -> None:
        """Count a wrong try."""
        network = _network(address)
        with self._lock:
            self._wrong.setdefault(network, collections.deque(maxlen=MOST_WRONG)).append(self._clock())
            self._wrong.move_to_end(network)
            if len(self._wrong) > MOST_ADDRESSES:
                self._wrong.popitem(last=False)

    def wait_seconds(self, address: str) -> int:
        """Return how long an address has to wait, 0 if it need not."""
        with self._lock:
            times = tuple(self._wrong.get(_network(address), ()))
        if len(times) < MOST_WRONG:
            return 0
        left = times[0] + WINDOW_SECONDS - self._clock()
        return max(0, int(left) + 1) if left > 0 else 0


def _network(address: str) -> str:
    """Return what counts as one address: of IPv6 the network that one customer has."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else str(parsed)
