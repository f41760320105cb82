"""Errors made of an adapter's own recorded successes, for a wire that has no dialect.

The requirements on errors depend on the status and the headers, never on the body. So a
recorded success with another status and other headers takes the place of an error that was
not recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from tck.cassettes.library import Library
from tck.cassettes.scenarios import scenarios
from tck.verdicts import NotVerified
from tck.wire.dialects.model import ChatReply, ChatRequest, EmbeddingRequest, Route, Unreadable

_SUCCESSES: dict[Route, str] = {"chat": "chat-one-turn", "embeddings": "embed-one"}


@dataclass(frozen=True)
class Exchange:
    """Where a request went, and the body that answered it."""

    method: str
    path: str
    body: bytes


class TransmutedDialect:
    """As much of a dialect as recordings give: routes, and a body for errors.

    A request is read as one text: its whole body.

    Args:
        library: the adapter's recordings.
    """

    name = "recorded"
    base_path = ""
    finish_reasons = ("unknown",)
    cut_reason = "unknown"
    may_omit_usage = True
    recorded: Literal[True] = True

    def __init__(self, library: Library) -> None:
        self._library = library

    @cached_property
    def exchanges(self) -> dict[Route, Exchange]:
        """A recorded success of each route, as far as there are any.

        Raises:
            KitError: a recording is damaged.
        """
        found: dict[Route, Exchange] = {}
        for route, name in _SUCCESSES.items():
            with suppress(NotVerified):
                last = self._library.load(scenarios()[name]).interactions[-1]
                request, body = last.request, last.response.body
                found[route] = Exchange(request.method, request.path, body)
        return found

    def require(self, routes: Iterable[Route]) -> None:
        """Raise `NotVerified` when a route has no recorded success."""
        for route in routes:
            self._body(route)

    def route(self, method: str, path: str) -> Route | None:
        return next(
            (
                route
                for route, exchange in self.exchanges.items()
                if (exchange.method, exchange.path) == (method, path)
            ),
            None,
        )

    def read_chat(self, body: bytes) -> ChatRequest:
        """The whole body as one turn: its parts are not known."""
        return ChatRequest(
            model="",
            instructions=(),
            turns=(("user", body.decode("utf-8", "replace")),),
            max_tokens=None,
            temperature=None,
            stop=None,
            mode="text",
            schema=None,
            strict=False,
            parameters={},
        )

    def write_chat(self, reply: ChatReply) -> bytes:
        del reply  # only the recorded one is known
        return self._body("chat")

    def read_reply(self, body: bytes) -> ChatReply:
        del body
        raise Unreadable("its wire has no dialect")

    def write_error(self, status: int, message: str) -> bytes:
        del status, message  # the status goes beside it
        return self._body(next(iter(self.exchanges), "chat"))

    def read_embeddings(self, body: bytes) -> EmbeddingRequest:
        """The whole body as one text."""
        return EmbeddingRequest(model="", texts=(body.decode("utf-8", "replace"),), parameters={})

    def write_embeddings(
        self, request: EmbeddingRequest, vectors: Sequence[tuple[int, Sequence[float]]]
    ) -> bytes:
        del request, vectors  # as above
        return self._body("embeddings")

    def read_vectors(self, body: bytes) -> list[list[float]]:
        del body
        raise Unreadable("its wire has no dialect")

    def _body(self, route: Route) -> bytes:
        try:
            return self.exchanges[route].body
        except KeyError:
            raise NotVerified(
                f"without a dialect, errors are made of the recording of {_SUCCESSES[route]}, "
                "which is missing",
                f"make it with `tck record {self._library.adapter}`",
                cause=f"no-recording:{_SUCCESSES[route]}",
            ) from None
