"""What every wire says, apart from how it says it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeGuard, runtime_checkable

Route = Literal["chat", "embeddings"]


Mode = Literal["text", "json", "schema", "tool"]
"""How a request asks for an object: not at all, as any JSON, by a schema, as a tool's input."""


class Unreadable(Exception):  # noqa: N818 - what the dialect finds the text to be
    """A request or a reply is not of this dialect; the message says why."""


@dataclass(frozen=True)
class ChatRequest:
    """What a chat request asks, as it arrived."""

    model: str
    instructions: tuple[str, ...]
    """The texts of the system messages, in order, however the wire carries them."""
    turns: tuple[tuple[str, str], ...]
    """``(role, text)`` of every other message, in order."""
    max_tokens: int | None
    temperature: float | None
    stop: tuple[str, ...] | None
    """As a tuple, also where one text was sent by itself."""
    mode: Mode
    schema: Mapping[str, Any] | None
    """The schema of the ``schema`` or ``tool`` mode."""
    strict: bool
    """Whether the provider is asked for a strict mode, which does not know every schema."""
    parameters: Mapping[str, Any]
    """The whole body, for what has no field of its own here."""


@dataclass(frozen=True)
class EmbeddingRequest:
    """What an embedding request asks, as it arrived."""

    model: str
    texts: tuple[str, ...]
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Counts:
    """The tokens of a reply, in the terms of `llm.Usage`."""

    prompt: int
    completion: int
    cached: int = 0
    """The part of ``prompt`` that was read from a cache."""
    written: int = 0
    """The part of ``prompt`` that was written to a cache, where the wire tells."""

    @property
    def total(self) -> int:
        return self.prompt + self.completion


@dataclass(frozen=True)
class ChatReply:
    """What a provider answers to a chat request."""

    text: str | None = "ok"
    """``None`` for a reply that holds no text."""
    model: str = "wire-model-2026-01-01"
    finish_reason: str | None = None
    """In the wire's own word; ``None`` takes the dialect's ordinary one."""
    usage: Counts | None = Counts(prompt=3, completion=2)
    """``None`` for a provider that does not count."""
    cache_counted: bool = True
    """False for a provider that says nothing of its cache, where the wire allows that."""


@runtime_checkable
class Dialect(Protocol):
    """One provider's wire format, as far as chat goes."""

    @property
    def name(self) -> str: ...

    @property
    def base_path(self) -> str:
        """What follows the host and port in the base URL that an adapter is given."""
        ...

    @property
    def finish_reasons(self) -> Sequence[str]:
        """Why a model may stop, in the wire's own words, the ordinary one first."""
        ...

    @property
    def cut_reason(self) -> str:
        """The finish reason of a reply that ``max_tokens`` has cut."""
        ...

    @property
    def may_omit_usage(self) -> bool:
        """Whether a reply without token counts exists on this wire."""
        ...

    def route(self, method: str, path: str) -> Route | None:
        """What a request is for; ``None`` when this wire has no such endpoint."""
        ...

    def read_chat(self, body: bytes) -> ChatRequest:
        """Read a chat request.

        Raises:
            Unreadable: it is not one of this wire.
        """
        ...

    def write_chat(self, reply: ChatReply) -> bytes:
        """Write the body of a successful chat reply."""
        ...

    def read_reply(self, body: bytes) -> ChatReply:
        """Read the body of a successful chat reply.

        Raises:
            Unreadable: it is not one of this wire.
        """
        ...

    def write_error(self, status: int, message: str) -> bytes:
        """Write the body that goes with an HTTP status of 400 or more."""
        ...


@runtime_checkable
class EmbeddingDialect(Dialect, Protocol):
    """A wire format that has embeddings too."""

    def read_embeddings(self, body: bytes) -> EmbeddingRequest:
        """Read an embedding request.

        Raises:
            Unreadable: it is not one of this wire.
        """
        ...

    def write_embeddings(
        self, request: EmbeddingRequest, vectors: Sequence[tuple[int, Sequence[float]]]
    ) -> bytes:
        """Write vectors in the order given, each with the number of the text it is for."""
        ...

    def read_vectors(self, body: bytes) -> list[list[float]]:
        """Read the vectors of a reply, in the order of the texts.

        Raises:
            Unreadable: it is not an embedding reply of this wire.
        """
        ...


@runtime_checkable
class StructuredDialect(Dialect, Protocol):
    """A wire format in which objects can be asked for."""

    def write_object(self, request: ChatRequest, text: str, *, cut: bool = False) -> bytes:
        """Write a model's answer to a request for an object, in the request's mode.

        Args:
            request: which mode it asked for.
            text: what the model wrote. A wire that carries an object rather than its text
                carries as much of it as can be read.
            cut: whether the model was cut off.
        """
        ...

    def read_object(self, body: bytes) -> ChatReply:
        """Read a reply to a request for an object; its text is the object, in any mode.

        Raises:
            Unreadable: it is not one of this wire.
        """
        ...

    def write_refusal(self, text: str) -> bytes | None:
        """Write the reply of a model that refuses; ``None`` if the wire has no refusals."""
        ...


class RecordedDialect(Dialect, Protocol):
    """A stand-in for a dialect, made of an adapter's recordings: see `is_recorded`."""

    @property
    def recorded(self) -> Literal[True]: ...

    def require(self, routes: Iterable[Route]) -> None:
        """Raise `tck.verdicts.NotVerified` when a route has no recorded success."""
        ...


def is_recorded(dialect: object) -> TypeGuard[RecordedDialect]:
    """Whether a dialect knows no more of its wire than one adapter's recordings.

    Such a dialect knows the routes and can write errors. It cannot read a body, nor write
    any reply but those recorded. A dialect says so by ``recorded = True``; one that says
    nothing knows its wire.
    """
    return getattr(dialect, "recorded", False) is True
