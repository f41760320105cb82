"""The scripted provider that a check talks to: a loopback server that speaks a dialect."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Self

from tck.adapter import Endpoint
from tck.machine import Probe
from tck.verdicts import Exchange, KitError, NotVerified, Violation
from tck.wire.dialects.model import (
    ChatReply,
    ChatRequest,
    Dialect,
    EmbeddingDialect,
    EmbeddingRequest,
    Route,
    StructuredDialect,
    Unreadable,
)
from tck.wire.server import LoopbackServer, Received, Reply

API_KEY = "tck-loopback-key"  # pragma: allowlist secret
"""What adapters are given as their key; no server anywhere accepts it but ours."""

ChatAnswer = ChatReply | Reply | None
"""A reply in the dialect's words, or in its own bytes; ``None`` hangs up."""
ChatScript = Callable[[ChatRequest], ChatAnswer | Awaitable[ChatAnswer]]
EmbeddingScript = Callable[[EmbeddingRequest], Reply | Awaitable[Reply | None] | None]

_QUIET = 0.1
_GONE = 1.0
_GONE_AT_LAST = 4.0


class Wire:
    """A provider on loopback that does what a check scripts.

    Args:
        dialect: what it speaks; ``None`` for an adapter that should send nothing.
        limit: seconds after which it hangs up on everybody.
    """

    def __init__(self, dialect: Dialect | None, *, limit: float = 60.0) -> None:
        self._dialect = dialect
        self._server = LoopbackServer(self._respond, limit=limit)
        self._chat: ChatScript | None = None
        self._embeddings: EmbeddingScript | None = None
        self._held: list[asyncio.Future[None]] = []
        self._release: asyncio.TimerHandle | None = None
        self.problems: list[str] = []
        """Requests that this wire does not know, each in one clause."""
        self.streamed = False
        """Whether a request has asked for a stream of events."""
        self.exchange: Exchange | None = None
        """The last request, and what it was answered with."""

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.__exit__(kind, error, trace)

    @property
    def dialect(self) -> Dialect:
        """The dialect, for the checks that run only where there is one."""
        if self._dialect is None:
            raise KitError("a check that needs a wire was run on an adapter without one")
        return self._dialect

    @property
    def embedding_dialect(self) -> EmbeddingDialect:
        """The dialect, for the checks of adapters that embed."""
        if not isinstance(self.dialect, EmbeddingDialect):
            raise NotVerified(
                f"the {self.dialect.name} dialect has no embeddings",
                "an adapter that embeds needs a dialect with read_embeddings, write_embeddings "
                "and read_vectors",
                cause="no-embedding-dialect",
            )
        return self.dialect

    @property
    def structured_dialect(self) -> StructuredDialect:
        """The dialect, for the checks of adapters that extract objects."""
        if not isinstance(self.dialect, StructuredDialect):
            raise NotVerified(
                f"the {self.dialect.name} dialect cannot write objects",
                "an adapter that extracts them needs a dialect with write_object, read_object "
                "and write_refusal",
                cause="no-structured-dialect",
            )
        return self.dialect

    @property
    def received(self) -> list[Received]:
        """Every request so far, in the order of arrival."""
        return self._server.received

    @property
    def statuses(self) -> list[int]:
        """The status of every response sent so far, in order."""
        return [status for _, status in self._server.sent]

    def assert_sound(self) -> None:
        """Raise `KitError` when the server itself has failed."""
        if self._server.fault is not None or not self._server.alive:
            raise KitError(f"the loopback server failed: {self._server.fault!r}")

    @property
    def hung_up(self) -> bool:
        """Whether the server lost patience, and cut connections."""
        return self._server.expired

    @property
    def departed(self) -> int:
        """How many requests lost their client before they were answered."""
        return len(self._server.departed)

    @property
    def most_in_flight(self) -> int:
        """The most requests that were being answered at once."""
        return self._server.most_in_flight

    def assert_received(self, since: int = 0) -> None:
        """Raise a `Violation` unless a request has arrived, after the first ``since`` ones."""
        if len(self.received) <= since:
            raise Violation(
                expected="the request reaches the server",
                seen="none arrived",
                look_at="what answers or raises without asking the provider at Endpoint.base_url",
                cause="no-request",
            )

    async def assert_no_connections(self, expected: str) -> None:
        """Raise a `Violation` unless every client closes its connections in a moment.

        Raises:
            LateMachineError: the machine was too late for the bound to mean anything.
        """
        if await self._are_closed(_GONE):
            return
        start, used = time.perf_counter(), time.process_time()
        with Probe() as probe:
            closed = await self._are_closed(_GONE_AT_LAST)
        took = _GONE + time.perf_counter() - start
        if closed and not probe.lateness.calm:
            return
        probe.lateness.excuse(took, _GONE, time.process_time() - used)
        raise Violation(
            expected=expected,
            seen="they were open for " + (f"{took:.2g} s" if closed else f"{took:.2g} s and more"),
        )

    async def _are_closed(self, limit: float) -> bool:
        end = time.monotonic() + limit
        while self._server.connections:
            if time.monotonic() > end:
                return False
            await asyncio.sleep(0.005)
        return True

    def refusing_endpoint(self, model: str) -> Endpoint:
        """A port of this machine where nobody listens."""
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
        return replace(self.endpoint(model), base_url=f"http://127.0.0.1:{port}{self._base_path}")

    @property
    def _base_path(self) -> str:
        return self._dialect.base_path if self._dialect else ""

    def endpoint(self, model: str, api_key: str | None = API_KEY) -> Endpoint:
        """This server, as an adapter is told of it."""
        origin = self._server.origin
        return Endpoint(base_url=origin + self._base_path, api_key=api_key, model=model)

    def on_chat(self, script: ChatScript) -> None:
        """Answer chat requests with what ``script`` makes of them, from now on."""
        self._chat = script

    def reply(self, reply: ChatReply) -> None:
        """Answer every chat request with the same, from now on."""
        self.on_chat(lambda _: reply)

    def on_embeddings(self, script: EmbeddingScript) -> None:
        """Answer embedding requests with what ``script`` makes of them, from now on."""
        self._embeddings = script

    def fail(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        """Answer every request with an error, from now on."""
        # Both SDKs obey this header: an adapter that cannot switch their retries off
        # need not sleep through them.
        reply = Reply(
            self.dialect.write_error(status, message),
            status,
            {"x-should-retry": "false", **(headers or {})},
        )
        self.answer(reply)

    def answer(self, reply: Reply | None) -> None:
        """Answer every request with the same bytes, from now on; ``None`` hangs up."""
        self.on_chat(lambda _: reply)
        self.on_embeddings(lambda _: reply)

    async def turn(self, of: int, quiet: float = _QUIET) -> None:
        """Wait, in a script, until it is this request's turn: the last to arrive goes first.

        Args:
            of: how many requests are waited for.
            quiet: seconds without another request after which those that have arrived are
                let go all the same, for adapters that send only some at a time.
        """
        loop = asyncio.get_running_loop()
        mine: asyncio.Future[None] = loop.create_future()
        self._held.append(mine)
        if self._release is not None:
            self._release.cancel()
        if len(self._held) >= of:
            self._let_go()
        else:
            self._release = loop.call_later(quiet, self._let_go)
        await mine

    def _let_go(self) -> None:
        while self._held:
            held = self._held.pop()
            if not held.done():
                held.set_result(None)

    async def _respond(self, received: Received) -> Reply | None:
        reply = await self._reply_to(received)
        self.exchange = Exchange(
            received.method,
            received.path,
            _shown(received.body),
            None if reply is None else reply.status,
            "" if reply is None else _shown(reply.body),
        )
        return reply

    async def _reply_to(self, received: Received) -> Reply | None:
        dialect = self._dialect
        route = dialect.route(received.method, received.path) if dialect else None
        if dialect is None or route is None:
            return self._unknown(received)
        try:
            answer = self._scripted(dialect, route, received.body)
        except Unreadable as unreadable:
            self.problems.append(f"{received.method} {received.path}: {unreadable}")
            return Reply(dialect.write_error(400, str(unreadable)), 400)
        result = await answer if isinstance(answer, Awaitable) else answer
        return Reply(dialect.write_chat(result)) if isinstance(result, ChatReply) else result

    def _scripted(
        self, dialect: Dialect, route: Route, body: bytes
    ) -> ChatAnswer | Awaitable[ChatAnswer]:
        if route == "chat" and self._chat is not None:
            request = dialect.read_chat(body)
            self.streamed = self.streamed or bool(request.parameters.get("stream"))
            return self._chat(request)
        if (
            route == "embeddings"
            and self._embeddings is not None
            and isinstance(dialect, EmbeddingDialect)
        ):
            return self._embeddings(dialect.read_embeddings(body))
        # A request before the check has begun: whether it matters is for the check to say.
        return Reply(dialect.write_error(503, "nothing is served yet"), 503)

    def _unknown(self, received: Received) -> Reply:
        speaks = f"the {self._dialect.name} wire" if self._dialect else "an adapter without a wire"
        self.problems.append(
            f"{received.method} {received.path} is not a request that {speaks} has here"
        )
        return Reply(b'{"error": {"message": "no such endpoint"}}', 404)


_LONGEST = 2000


def _shown(body: bytes) -> str:
    text = body[: 4 * _LONGEST].decode("utf-8", "replace")
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
