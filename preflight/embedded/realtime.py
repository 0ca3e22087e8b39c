"""A sample real-time server, which the demo's check `websocket` asks: WebSocket on /ws, Server-Sent Events on /events.

`python -m preflight.embedded.realtime --port N`
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
from collections.abc import Sequence
from http import HTTPStatus

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from preflight.embedded.server import HOST

EVENT = b"retry: 3000\nevent: ready\ndata: {}\n\n"


async def echo(connection: ServerConnection) -> None:
    """Send every message back; the library answers pings."""
    with contextlib.suppress(ConnectionClosed):
        async for message in connection:
            await connection.send(message)


def route(connection: ServerConnection, request: Request) -> Response | None:
    """Let /ws through to the handshake, answer /events with one event, and say that there is nothing else."""
    path = request.path.partition("?")[0]
    if path == "/ws":
        return None
    if path == "/events":
        return _events()
    return connection.respond(HTTPStatus.NOT_FOUND, "There are /ws and /events here.\n")


def _events() -> Response:
    headers = Headers()
    headers["Content-Type"] = "text/event-stream"
    headers["Cache-Control"] = "no-cache"
    headers["Connection"] = "close"
    return Response(HTTPStatus.OK, "OK", headers, EVENT)


async def run(port: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with serve(echo, HOST, port, process_request=route):
        await stop.wait()


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the port and serve."""
    parser = argparse.ArgumentParser(description="A sample real-time server: WebSocket on /ws, events on /events.")
    parser.add_argument("--port", type=int, required=True, help="TCP port on 127.0.0.1")
    asyncio.run(run(parser.parse_args(arguments).port))


if __name__ == "__main__":
    main()
