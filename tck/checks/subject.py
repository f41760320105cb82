"""The adapter as the checks handle it.

Whatever the adapter does wrong in here comes out as a `Violation`, so that any other
exception from a check is a fault of the check.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Coroutine,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from llm import ChatMessage
from tck.adapter import AdapterUnderTest, Endpoint
from tck.building import build, release
from tck.cassettes.library import Library
from tck.catalogue import Capability
from tck.verdicts import NotVerified, Violation
from tck.wire.dialects.model import ChatRequest, Counts
from tck.wire.wire import Wire

EXAMPLES = 40
"""How many made-up texts a fuzzed check tries, unless it is told otherwise."""

CALL_LIMIT = 20.0
"""Seconds after which a call that no check has bounded counts as hanging."""

# An adapter whose retries can be switched off need not be waited for.
_QUICK = {"max_retries": 0}
_MISSING = object()


@dataclass(frozen=True)
class Surface:
    """One way to make the adapter send a request: ``complete`` or ``embed``."""

    name: str
    kind: str
    """``chat`` or ``embedding``, as the adapter's factory for it is named."""
    model: str
    open: Callable[..., Any]
    say: Callable[[Any, str], Awaitable[Any]]
    """Calls a provider with a text."""

    def call(self, provider: Any) -> Awaitable[Any]:
        """Call a provider with a text that does not matter."""
        return self.say(provider, hello()[0].content)


class Subject:
    """An adapter under test, with helpers that turn its misbehaviour into violations.

    Args:
        adapter: its description.
        capabilities: what it is graded on.
        errors: its error classes by our names, as `tck.adapter.error_classes` gives them.
        library: its recordings.
        examples: how many made-up texts a fuzzed check tries.
    """

    def __init__(
        self,
        adapter: AdapterUnderTest,
        capabilities: Collection[Capability],
        errors: Mapping[str, object],
        library: Library,
        examples: int = EXAMPLES,
    ) -> None:
        self.adapter = adapter
        self.capabilities = capabilities
        self.library = library
        self.examples = examples
        self._errors = errors

    @property
    def in_process(self) -> bool:
        """Whether it has no wire."""
        return self.adapter.wire is None

    @property
    def embedding_model(self) -> str:
        return self.adapter.embedding_model or self.adapter.model

    def surfaces(self) -> list[Surface]:
        """Every surface that the adapter declares, ``complete`` first."""
        surfaces = []
        if self.adapter.chat is not None:
            surfaces.append(Surface("complete", "chat", self.adapter.model, self.chat, _complete))
        if self.adapter.embedding is not None:
            surfaces.append(
                Surface("embed", "embedding", self.embedding_model, self.embedding, _embed)
            )
        return surfaces

    def claims(self, limit: str) -> str | None:
        """Why the adapter says that its provider cannot do something; ``None``: it does not."""
        return self.adapter.limits.get(limit)

    def chat(
        self,
        wire: Wire,
        *,
        model: str | None = None,
        own_retries: bool = False,
        **options: Any,
    ) -> Any:
        """An async context of a chat provider that sends to ``wire``.

        Args:
            wire: where it sends its requests.
            model: its model, when that is not the adapter's.
            own_retries: leave it as many retries as it has by default.
            options: constructor arguments without which the check is pointless.
        """
        endpoint = wire.endpoint(self.adapter.model if model is None else model)
        return self.built("chat", endpoint, options, {} if own_retries else _QUICK)

    def backend(self, wire: Wire, **options: Any) -> Any:
        """An async context of a backend that sends to ``wire``."""
        return self.built("backend", wire.endpoint(self.adapter.model), options)

    def embedding(self, wire: Wire, **options: Any) -> Any:
        """An async context of an embedding provider that sends to ``wire``."""
        return self.built("embedding", wire.endpoint(self.embedding_model), options)

    @asynccontextmanager
    async def built(
        self,
        kind: str,
        endpoint: Endpoint,
        options: Mapping[str, Any],
        preferred: Mapping[str, Any] = _QUICK,
    ) -> AsyncIterator[Any]:
        """A new provider, released at the end.

        Raises:
            Violation: the factory fails.
            NotVerified: the factory takes no such option.
        """
        provider = self.build(kind, endpoint, options, preferred)
        try:
            yield provider
        finally:
            await release(provider)

    def build(
        self,
        kind: str,
        endpoint: Endpoint,
        options: Mapping[str, Any],
        preferred: Mapping[str, Any] = _QUICK,
    ) -> Any:
        """A new provider, as `built` makes it, for the caller to release."""
        try:
            return build(getattr(self.adapter, kind), endpoint, options, preferred)
        except NotVerified:
            raise
        except Exception as error:
            raise Violation(
                expected=f"the {kind} factory builds a provider",
                seen=f"it raised {described(error)}",
                look_at=f"the {kind} factory of the AdapterUnderTest",
            ) from error

    def error_class(self, name: str) -> type[BaseException]:
        """A class of the adapter's error module by its fixed name."""
        found = self._errors.get(name)
        if not (isinstance(found, type) and issubclass(found, BaseException)):
            raise Violation(
                expected=f"errors= gives an exception class {name}",
                seen="it does not" if found is None else f"{name} is {found!r:.80}",
                look_at="errors= of the AdapterUnderTest, and that module",
            )
        return found


_greetings = itertools.count()


def hello() -> list[ChatMessage]:
    """A conversation for the checks that are not about conversations.

    It is another each time, for adapters that answer a repeated question from a cache.
    """
    return [ChatMessage(role="user", content=f"hello {next(_greetings)}")]


def say_hello(provider: Any) -> Awaitable[Any]:
    """``complete`` on a conversation that does not matter."""
    return _complete(provider, hello()[0].content)


def _complete(provider: Any, text: str) -> Awaitable[Any]:
    called: Awaitable[Any] = provider.complete([ChatMessage(role="user", content=text)])
    return called


def _embed(provider: Any, text: str) -> Awaitable[Any]:
    called: Awaitable[Any] = provider.embed([text])
    return called


async def returned(
    called: Callable[[], Awaitable[Any]], what: str, *, limit: float = CALL_LIMIT
) -> Any:
    """What a call returns.

    Args:
        called: makes the call.
        what: the call, in the words of a report: ``complete()``.
        limit: seconds after which it counts as hanging.

    Raises:
        Violation: it raises, or does not return.
    """
    outcome, error = await ended(called, what, limit)
    if error is not None:
        raise Violation(
            expected=f"{what} succeeds", seen=f"it raised {described(error)}"
        ) from error
    return outcome


async def raised(
    called: Callable[[], Awaitable[Any]], what: str, *, limit: float = CALL_LIMIT
) -> Exception:
    """The exception that a call raises.

    Raises:
        Violation: it returns, or does not end.
    """
    outcome, error = await ended(called, what, limit)
    if error is None:
        raise Violation(expected=f"{what} raises", seen=f"it returned {outcome!r:.200}")
    return error


async def ended(
    called: Callable[[], Awaitable[Any]], what: str, limit: float = CALL_LIMIT
) -> tuple[Any, Exception | None]:
    """What a call returns and ``None``, or ``None`` and the exception that it raises.

    Raises:
        Violation: it does not end.
    """
    bound = asyncio.timeout(limit)
    try:
        async with bound:
            return await called(), None
    except Exception as error:
        if bound.expired():
            raise Violation(expected=f"{what} ends", seen=f"nothing within {limit:g} s") from error
        return None, error
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise Violation(
            expected=f"{what} ends", seen="it raised CancelledError, and nobody had cancelled it"
        ) from None


async def together(*calls: Coroutine[Any, Any, None]) -> None:
    """Run calls concurrently to their ends, and raise what the first of them, as listed, raised."""
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    for outcome in outcomes:
        if outcome is not None:
            raise outcome


async def completed(provider: Any, messages: Sequence[ChatMessage], **parameters: Any) -> Answer:
    """What ``complete`` returns."""
    return Answer(await returned(lambda: provider.complete(messages, **parameters), "complete()"))


class Answer:
    """A `Completion` of any class. What it lacks is a violation once somebody asks for it."""

    def __init__(self, completion: object) -> None:
        self._completion = completion

    @property
    def text(self) -> Any:
        return _attribute(self._completion, "content", "the completion")

    @property
    def model(self) -> Any:
        return _attribute(self._completion, "model", "the completion")

    @property
    def finish_reason(self) -> Any:
        return _attribute(self._completion, "finish_reason", "the completion")

    @property
    def raw(self) -> Any:
        return _attribute(self._completion, "raw", "the completion")

    @property
    def usage(self) -> Counts | None:
        usage = _attribute(self._completion, "usage", "the completion")
        if usage is None:
            return None
        return Counts(
            prompt=_count(usage, "prompt_tokens"),
            completion=_count(usage, "completion_tokens"),
            cached=_count(usage, "cached_tokens"),
        )

    @property
    def total_tokens(self) -> int | None:
        usage = _attribute(self._completion, "usage", "the completion")
        return None if usage is None else _count(usage, "total_tokens")


def _count(usage: object, name: str) -> int:
    value = _attribute(usage, name, "the usage")
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Violation(
            expected=f"usage.{name} is a non-negative int", seen=f"usage.{name} = {value!r:.80}"
        )
    return value


def _attribute(value: object, name: str, what: str) -> Any:
    found = getattr(value, name, _MISSING)
    if found is _MISSING:
        raise Violation(
            expected=f"{what} has the attribute {name}",
            seen=f"a {type(value).__name__} without it: {value!r:.120}",
        )
    return found


def told(request: ChatRequest) -> str:
    """Every text of a chat request."""
    return "\n".join([*request.instructions, *(text for _, text in request.turns)])


def described(error: BaseException) -> str:
    """An exception in a few words."""
    text = str(error)
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__


def assert_equal(what: str, expected: object, seen: object) -> None:
    """Raise a `Violation` unless a value, and its type, are as expected."""
    if seen != expected or not isinstance(seen, type(expected)):
        raise Violation(expected=f"{what} = {expected!r:.120}", seen=f"{what} = {seen!r:.120}")


@contextmanager
def captured_logs() -> Iterator[list[str]]:
    """Everything that is logged meanwhile, by any logger and at any level."""
    records: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            with suppress(Exception):  # a record that cannot be formatted shows nothing
                records.append(self.format(record))

    root, handler = logging.getLogger(), Handler(level=logging.NOTSET)
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield records
    finally:
        root.setLevel(level)
        root.removeHandler(handler)
