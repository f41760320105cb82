"""The adapter as the checks handle it.

Whatever the adapter does wrong in here comes out as a `Violation`, so that any other
exception from a check is a fault of the check.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, cast

from llm import ChatMessage
from tck.adapter import ERROR_NAMES, AdapterUnderTest, Endpoint, is_error_class
from tck.building import build, pass_on, release
from tck.cassettes.library import Library
from tck.catalogue import Capability
from tck.checks.answers import Answer
from tck.checks.calls import described, raised, returned
from tck.checks.comparing import inherits, is_a
from tck.grading import EXAMPLES
from tck.verdicts import BEHAVIOUR, NotVerified, Violation
from tck.wire.wire import Wire

# An adapter whose retries can be switched off need not be waited for.
_QUICK = {"max_retries": 0}


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
        except BaseException as error:
            pass_on(error)
            # The port is another in each check, and the finding is reported once for all.
            seen = described(error).replace(endpoint.base_url, "the base URL")
            raise Violation(
                expected=f"the {kind} factory builds a provider",
                seen=f"it raised {seen}",
                look_at=f"the {kind} factory of the AdapterUnderTest",
                cause=f"factory:{kind}"
                if self._always_raises(kind, endpoint, error)
                else BEHAVIOUR,
            ) from error

    def _always_raises(self, kind: str, endpoint: Endpoint, error: BaseException) -> bool:
        """Whether a factory raises an error whatever it is asked for."""
        model = self.embedding_model if kind == "embedding" else self.adapter.model
        try:
            build(getattr(self.adapter, kind), replace(endpoint, model=model))
        except BaseException as again:  # noqa: BLE001 - as above
            pass_on(again)
            return type(again) is type(error)
        return False

    def error_class(self, name: str) -> type[BaseException]:
        """A class of the adapter's errors by its fixed name.

        Raises:
            Violation: it is missing, or is no exception class. All that are missing are listed.
        """
        wanted = dict.fromkeys([*self.error_names, name])
        amiss = {
            other: self._errors.get(other)
            for other in wanted
            if not is_error_class(self._errors.get(other))
        }
        if name in amiss:
            raise Violation(
                expected=f"errors= gives the exception classes {', '.join(wanted)}",
                seen="; ".join(
                    f"there is no {other}" if found is None else f"{other} is {found!r:.80}"
                    for other, found in amiss.items()
                ),
                look_at="errors= of the AdapterUnderTest, and the module that it names",
                cause="error-classes",
            )
        found: Any = self._errors[name]
        return cast("type[BaseException]", found)

    @property
    def error_names(self) -> tuple[str, ...]:
        """Our names of the error classes that the adapter must have."""
        extraction = ("StructuredExtractionError",) if "structured" in self.capabilities else ()
        return (*BASIC_ERRORS, *extraction)

    async def raises(
        self,
        name: str,
        called: Callable[[], Awaitable[Any]],
        what: str,
        *,
        limit: float | None = None,
    ) -> Exception:
        """The exception that a call raises, which must be of a class of the adapter.

        Args:
            name: our name of the class.
            called: makes the call.
            what: the call, in the words of a report.
            limit: as of `raised`.

        Raises:
            Violation: it is of another, or the call returns, or does not end.
        """
        error = await raised(called, what, limit=limit)
        self.assert_kind(error, name, what)
        return error

    def assert_kind(self, error: BaseException, name: str, what: str) -> None:
        """Raise a `Violation` unless an exception is of the class that ``name`` stands for.

        Of two classes, neither of which inherits the other, it can be of one only: whoever
        inherits all of them would be right whatever had happened. Of two that do, the class
        that counts is the nearer one.
        """
        wanted = self.error_class(name)
        if not is_a(error, wanted):
            raise Violation(expected=f"{name} from {what}", seen=described(error))
        for other in self.error_names if name != "ProviderError" else ():
            found: Any = self._errors.get(other)
            if is_error_class(found) and is_a(error, found) and not inherits(wanted, found):
                raise Violation(
                    expected=f"{name} from {what}, and no {other}",
                    seen=f"{described(error)}, which inherits both",
                )


BASIC_ERRORS = ERROR_NAMES[:6]
"""The error classes that every adapter must have."""


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


async def completed(provider: Any, messages: Sequence[ChatMessage], **parameters: Any) -> Answer:
    """What ``complete`` returns."""
    return Answer(await returned(lambda: provider.complete(messages, **parameters), "complete()"))
