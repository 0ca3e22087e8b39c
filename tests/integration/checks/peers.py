"""Peers that misbehave: servers on loopback whose behaviour is a coroutine."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Awaitable, Callable

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Peers:
    """Servers on loopback whose behaviour is a coroutine; they live on a loop in a thread."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.closers: list[Callable[[], Awaitable[None]]] = []

    def call(self, coroutine):
        """Return what a coroutine returns on the peers' loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)

    def __call__(self, handler: Handler, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> int:
        """Serve a handler and return the port."""
        return self.call(self._serve(handler, tls, host))

    async def _serve(self, handler, tls, host):
        tasks: set[asyncio.Task] = set()

        async def connected(reader, writer):
            tasks.add(asyncio.current_task())
            with contextlib.suppress(OSError, asyncio.CancelledError, asyncio.IncompleteReadError):
                await handler(reader, writer)
            writer.transport.abort()
            tasks.discard(asyncio.current_task())

        server = await asyncio.start_server(connected, host, 0, ssl=tls)

        async def close():
            # What was accepted a moment ago begins before the server closes: asyncio leaves it open otherwise.
            for listener in server.sockets:
                self.loop.remove_reader(listener.fileno())
            await asyncio.sleep(0)
            server.close()
            for task in list(tasks):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        self.closers.append(close)
        return server.sockets[0].getsockname()[1]

    def close(self):
        """End every server and conversation, then the loop."""
        for close in self.closers:
            self.call(close())
        self.call(_settled())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(20)
        self.loop.close()


async def _settled():
    """Let the loop close what was accepted a moment ago."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    for _ in range(3):
        await asyncio.sleep(0)
    # What belongs to tasks that were cancelled before they began is closed by nobody else.
    for transport in list(asyncio.get_running_loop()._transports.values()):
        transport.abort()
    await asyncio.sleep(0)


async def silent(reader, writer):
    """Accept and say nothing."""
    await asyncio.Event().wait()


async def garbage(reader, writer):
    """Speak a protocol that nobody asked for, until the other side has had enough."""
    writer.write(b"220 mail.example ESMTP\r\n\r\n")
    await reader.read()


async def hanging_up(reader, writer):
    """Accept, listen and close."""
    await reader.read(65536)


async def resetting(reader, writer):
    """Accept, listen and reset the connection, as a kernel does for a process that died."""
    await reader.read(1)
    link = writer.get_extra_info("socket")
    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def dripping(reader, writer):
    """Send a byte at a time, for ever."""
    while True:
        writer.write(b"+")
        await writer.drain()
        await asyncio.sleep(0.05)


async def a_byte_every_ten_seconds(reader, writer):
    """Send a first byte that fits every protocol, and leave the next one to be waited for."""
    while True:
        writer.write(b"H")
        await writer.drain()
        await asyncio.sleep(10)


async def never_reading(reader, writer):
    """Accept, and take nothing of what is sent."""
    writer.transport.pause_reading()
    await asyncio.Event().wait()


FLOOD = 64 * 1024


async def flooding(reader, writer):
    """Send as much as the other side takes, without an end of a line."""
    while True:
        writer.write(b"x" * FLOOD)
        await writer.drain()


async def flooding_lines(reader, writer):
    """Send lines without an end."""
    while True:
        writer.write(b"+PONG\r\n" * (FLOOD // 7))
        await writer.drain()


def endless(head, body=b"x" * FLOOD):
    """Return a handler that waits for a question, then sends a head and a body without an end."""

    async def handler(reader, writer):
        await reader.read(65536)
        writer.write(head)
        while True:
            writer.write(body)
            await writer.drain()

    return handler


HEAD = b"HTTP/1.1 200 OK\r\n"
UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"


async def stalling_tls(reader, writer):
    """Answer the first words of TLS with silence; PostgreSQL's question for TLS with yes before."""
    first = await reader.read(65536)
    if len(first) == 8:
        writer.write(b"S")
    await asyncio.Event().wait()


async def dripping_tls(reader, writer):
    """Answer TLS with a record whose bytes come one at a time."""
    if len(await reader.read(65536)) == 8:
        writer.write(b"S")
    for byte in b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc" + bytes(16_000):
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.05)


async def alerting_tls(reader, writer):
    """Answer TLS with an alert."""
    if len(await reader.read(65536)) == 8:
        writer.write(b"S")
        await reader.read(65536)
    writer.write(b"\x15\x03\x03\x00\x02\x02\x28")
    await writer.drain()


#: What a client of PostgreSQL asks first: TLS, GSSAPI.
ASKING_FOR_ENCRYPTION = (80877103, 80877104)


async def _greeted(reader, writer):
    """Take what opens a PostgreSQL connection, and say no to encryption first if it is asked for."""
    while True:
        length, code = struct.unpack("!II", await reader.readexactly(8))
        await reader.readexactly(length - 8)
        if code not in ASKING_FOR_ENCRYPTION:
            return
        writer.write(b"N")


def postgresql_saying(text: str) -> Handler:
    """Return a handler that speaks PostgreSQL and refuses every connection with an error of this text."""

    async def refusing(reader, writer):
        await _greeted(reader, writer)
        fields = b"".join(kind + value.encode() + b"\0" for kind, value in ((b"S", "FATAL"), (b"M", text))) + b"\0"
        writer.write(b"E" + struct.pack("!I", len(fields) + 4) + fields)
        await writer.drain()

    return refusing


async def postgresql_without_tls(reader, writer):
    """Answer a request for TLS with no."""
    await reader.readexactly(8)
    writer.write(b"N")
    await reader.read()


async def endless_postgresql(reader, writer):
    """Let everybody in, then set parameters without an end."""
    await _greeted(reader, writer)
    writer.write(b"R" + struct.pack("!II", 8, 0))
    setting = b"a\0" + b"x" * 1000 + b"\0"
    while True:
        writer.write((b"S" + struct.pack("!I", len(setting) + 4) + setting) * 64)
        await writer.drain()
