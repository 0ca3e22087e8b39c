"""The reader of the documentation: a terminal beside one in which `preflight up` runs."""

from __future__ import annotations

from collections.abc import Iterator

import documents
import pytest
import servers
from terminals import Terminal, stays

UP = "preflight up"


@pytest.fixture(scope="session")
def reader(tmp_path_factory) -> Iterator[Terminal]:
    """Yield a terminal whose commands find the system of the documented `preflight up`. Nothing of it stays."""
    assert UP in (line for block in documents.blocks("sh") for line in block.lines)
    terminal = Terminal(tmp_path_factory.mktemp("reader"))
    with terminal.running(UP, stays) as up:
        servers.SESSION_SERVERS.add(up.process.pid)
        yield terminal
    assert up.process.returncode == 0, up.said
