"""A way to a server that can be broken: silent, half open, reset, or answered by something else."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from typing import Literal

HOST = "127.0.0.1"
Mode = Literal["pass", "drop", "half_open", "refuse", "http"]
_READ_BYTES = 65536
_RESET = struct.pack("ii", 1, 0)


class Proxy:
    """Passes bytes between clients and a port, in a thread of its own.

    "drop" holds back what arrives in both directions, as a firewall does: it comes when the fault is over.
    "half_open" lets requests through and swallows the answers; "refuse" resets who connects; "http" is no Redis.
    """

    def __init__(self, target_port: int) -> None:
        self.target_port = target_port
        self.port = 0
        self.mode: Mode = "pass"
        self._loop = asyncio.new_event_loop()
        self._passing = asyncio.Event()
        self._passing.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True)
        self._done = asyncio.Event()
        self._thread.start()
        self._ready.wait()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._accept, HOST, 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._done.wait()
        server.close()
        self._passing.set()
        self._reset()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def set(self, mode: Mode) -> None:
        """Break the way, or mend it; connections that lost bytes are reset when it is mended."""
        self._call(lambda: self._set(mode))

    def _set(self, mode: Mode) -> None:
        if self.mode == "half_open" or mode in {"http", "refuse"}:
            self._reset()
        self.mode = mode
        if mode == "drop":
            self._passing.clear()
        else:
            self._passing.set()

    def reset(self) -> None:
        """Reset every connection."""
        self._call(self._reset)

    def close(self) -> None:
        """End the proxy."""
        self._call(self._done.set)
        self._thread.join(10)
        self._loop.close()

    def _call(self, step: Callable[[], object]) -> None:
        self._loop.call_soon_threadsafe(step)

    def _reset(self) -> None:
        for writer in list(self._writers):
            with contextlib.suppress(OSError):
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            await self._connect(reader, writer)
        except (OSError, asyncio.CancelledError):  # cancelled: the proxy ends, and streams would log it
            writer.transport.abort()
        finally:
            self._writers.discard(writer)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mode == "http":
            writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
            await writer.drain()
        if self.mode in {"http", "refuse"}:
            writer.close()
            return
        there, back = await asyncio.open_connection(HOST, self.target_port)
        self._writers.add(back)
        try:
            await asyncio.gather(self._pump(reader, back), self._pump(there, writer, answers=True))
        finally:
            self._writers.discard(back)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, answers: bool = False) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(_READ_BYTES):
                await self._passing.wait()
                if answers and self.mode == "half_open":
                    continue
                sink.write(data)
                await sink.drain()
        sink.close()
