"""A real HTTP server on loopback that answers as it is told and remembers what came.

It runs in a thread and an event loop of its own, so that an adapter that blocks its
event loop is still answered, and judged by what it does rather than by a deadlock.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
import struct
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import h11

from tck.verdicts import KitError

_BACKLOG = 512
_CHUNK = 65536
# Two shorts on Windows, two ints elsewhere.
_LINGER_NOT = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


@dataclass(frozen=True)
class Received:
    """A request as it arrived."""

    number: int
    """Its place in the order of arrival, from 0."""
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    """Names in lower case; of a repeated header the last."""
    body: bytes


@dataclass(frozen=True)
class Reply:
    """A response to send."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut_at: int | None = None
    """How many bytes of the body are sent before the connection is closed; ``None``: all."""
    stall: float = 0.0
    """Seconds for which a reply that is cut stays open, with nothing more to come."""


@dataclass(frozen=True)
class Reset:
    """Returned to reset the connection, as a peer does that has crashed."""


Responder = Callable[[Received], Awaitable[Reply | Reset | None]]
"""What to answer a request with; ``None`` hangs up."""


class LoopbackServer:
    """Serves ``responder`` on ``127.0.0.1`` while its context is open.

    Args:
        responder: awaited in the server's own loop, once a request; one that never
            returns is a server that stalls. It is cancelled when its client leaves.
        limit: seconds after which every connection is cut, so that no client hangs for
            ever; `expired` then says so. ``None`` for a server that lives long.
        port: where it listens; 0 takes a free one.
        remember: keep what came and went in `received`, `sent` and `departed`, which then
            grow for as long as it serves.
    """

    arrivals = 0
    """How many requests have reached any server of this process."""

    def __init__(
        self, responder: Responder, *, limit: float | None, port: int = 0, remember: bool = True
    ) -> None:
        self._responder = responder
        self._limit = limit
        self._wanted_port = port
        self._remember = remember
        self._numbers = itertools.count()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="tck-loopback", daemon=True)
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._connections: set[asyncio.Task[None]] = set()
        self.port = 0
        self.received: list[Received] = []
        self.sent: list[tuple[int, int]] = []
        """``(number of the request, status)`` of every response sent, in order."""
        self.departed: set[int] = set()
        """Numbers of the requests whose client left before it was answered."""
        self.in_flight = 0
        """How many requests are being answered."""
        self.most_in_flight = 0
        self.expired = False
        self.fault: BaseException | None = None
        """What went wrong in the server itself: a fault of the kit."""

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        if self.port == 0:
            raise KitError(f"the loopback server did not start: {self.fault}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.alive:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._connections)

    @property
    def alive(self) -> bool:
        """Whether it still serves."""
        return self._thread.is_alive()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            try:
                runner.run(self._serve())
            except BaseException as error:  # noqa: BLE001 - told to whoever opened the server
                self.fault = error
            finally:
                self._ready.set()

    async def _serve(self) -> None:
        server = await asyncio.start_server(
            self._connected, "127.0.0.1", self._wanted_port, backlog=_BACKLOG
        )
        self.port = server.sockets[0].getsockname()[1]
        watchdog = self._limit and self._loop.call_later(self._limit, self._expire)
        self._ready.set()
        await self._stop.wait()
        if watchdog:
            watchdog.cancel()
        server.close()
        self._cut_connections()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _expire(self) -> None:
        self.expired = True
        self._cut_connections()

    def _cut_connections(self) -> None:
        for connection in self._connections:
            connection.cancel()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine that runs has a task
        self._connections.add(task)
        try:
            await self._converse(_Connection(reader, writer))
        except (ConnectionError, h11.RemoteProtocolError, asyncio.CancelledError):
            pass  # the client left, or the server is closing: both are ordinary
        except Exception as error:  # noqa: BLE001 - told to whoever opened the server
            self.fault = error
        finally:
            self._connections.discard(task)
            writer.close()

    async def _converse(self, connection: _Connection) -> None:
        while (request := await connection.next_request()) is not None:
            received = _received(next(self._numbers), *request)
            LoopbackServer.arrivals += 1
            if self._remember:
                self.received.append(received)
            reply = await self._answer(connection, received)
            if reply is None:
                return
            if isinstance(reply, Reset):
                connection.reset()
                return
            # Noted first: whoever reads the response must find it noted.
            if self._remember:
                self.sent.append((received.number, reply.status))
            if not await connection.send(reply):
                return

    async def _answer(self, connection: _Connection, received: Received) -> Reply | Reset | None:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            replied, reply = await connection.unless_client_leaves(self._responder(received))
        finally:
            self.in_flight -= 1
        if not replied and self._remember:
            self.departed.add(received.number)
        return reply


class _Connection:
    """HTTP/1.1 over one socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.SERVER)
        self._bodiless = False

    async def next_request(self) -> tuple[h11.Request, bytes] | None:
        """The next request with its body; ``None`` when the client has closed."""
        request: h11.Request | None = None
        body = bytearray()
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                self._http.receive_data(await self._reader.read(_CHUNK))
            elif isinstance(event, h11.Request):
                request = event
                self._bodiless = event.method == b"HEAD"
                if self._http.they_are_waiting_for_100_continue:
                    self._write(h11.InformationalResponse(status_code=100, headers=[]))
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage) and request is not None:
                return request, bytes(body)
            else:
                return None

    async def unless_client_leaves(
        self, work: Awaitable[Reply | Reset | None]
    ) -> tuple[bool, Reply | Reset | None]:
        """Whether ``work`` ended before the client left, and what it returned."""
        replying = asyncio.ensure_future(work)
        leaving = asyncio.ensure_future(self._client_leaves())
        try:
            await asyncio.wait({replying, leaving}, return_when=asyncio.FIRST_COMPLETED)
            return (True, replying.result()) if replying.done() else (False, None)
        finally:
            for task in (replying, leaving):
                task.cancel()
            await asyncio.gather(replying, leaving, return_exceptions=True)

    async def _client_leaves(self) -> None:
        while data := await self._reader.read(_CHUNK):
            self._http.receive_data(data)

    async def send(self, reply: Reply) -> bool:
        """Send a response; whether the connection can carry another."""
        headers = {
            "content-type": "application/json",
            **{name.lower(): value for name, value in reply.headers.items()},
            "content-length": str(len(reply.body)),
        }
        body = b"" if self._bodiless else reply.body
        self._write(h11.Response(status_code=reply.status, headers=list(headers.items())))
        if reply.cut_at is not None:
            self._write(h11.Data(data=body[: reply.cut_at]))
            await self._writer.drain()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._client_leaves(), reply.stall)
            return False
        self._write(h11.Data(data=body))
        self._write(h11.EndOfMessage())
        await self._writer.drain()
        if self._http.our_state is h11.MUST_CLOSE:
            return False
        self._http.start_next_cycle()
        return True

    def reset(self) -> None:
        """Close the connection at once, with a reset rather than an orderly end."""
        # To linger for no time is what makes closing a reset.
        self._writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT
        )
        self._writer.transport.abort()

    def _write(self, event: h11.Event) -> None:
        data = self._http.send(event)
        if data:
            self._writer.write(data)


def _received(number: int, request: h11.Request, body: bytes) -> Received:
    path, query = _split(request.target.decode("ascii", "replace"))
    return Received(
        number=number,
        method=request.method.decode("ascii"),
        path=path,
        query=query,
        headers={name.decode(): value.decode("latin-1") for name, value in request.headers},
        body=body,
    )


def _split(target: str) -> tuple[str, str]:
    """The path and query of a request's target, which a proxy is sent with scheme and host."""
    if "://" in target and not target.startswith("/"):
        target = "/" + target.partition("://")[2].partition("/")[2]
    path, _, query = target.partition("?")
    return path, query
