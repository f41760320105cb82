"""A provider of any backend."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from llm._translation import ErrorTable, translated
from llm.errors import ProviderInvalidRequestError, ProviderServiceError, ProviderTimeoutError
from llm.structured import Answer, Mode, Shape, extract
from llm.types import ChatMessage, Completion

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from llm.backends.base import BaseBackendLLM

T = TypeVar("T", bound=BaseModel)

ERRORS: ErrorTable = {
    # The names that the SDKs have in common: a backend lets their exceptions through.
    "APITimeoutError": ProviderTimeoutError,
    "APIConnectionError": ProviderServiceError,
    "APIStatusError": "by status",
    "ConnectionError": ProviderServiceError,
    "ValueError": ProviderServiceError,
}
"""What the exceptions that come out of backends become; others go by their HTTP status."""


class BackendProvider:
    """Asks a backend, whose parameters were fixed when it was made.

    So ``temperature`` is ignored, and ``max_tokens`` and ``stop`` are refused unless they
    are what the backend sends anyway. A backend tells neither usage nor finish reason.

    Args:
        backend: it is closed with the provider.
        model: the canonical name; default: ``backend/`` and the name that the backend tells.
        timeout: seconds for a whole call; ``None`` sets no limit.
    """

    ignored_parameters = frozenset({"temperature"})

    def __init__(
        self, backend: BaseBackendLLM, *, model: str | None = None, timeout: float | None = None
    ) -> None:
        name = str(backend.get_model_kwargs["model"]) if model is None else model
        self.model = name if model is not None and "/" in name else f"backend/{name}"
        self.backend = backend
        self._timeout = timeout

    async def complete(
        self,
        messages: Sequence[ChatMessage],
        *,
        temperature: float = 0.0,
        max_tokens: int | None = None,
        stop: Sequence[str] | None = None,
        timeout: float | None = None,
    ) -> Completion:
        """See `llm.LLMProvider.complete`."""
        del temperature  # the backend has its own
        fixed = self.backend.get_model_kwargs
        for name, asked in (("max_tokens", max_tokens), ("stop", stop)):
            if asked is not None and asked != fixed.get(name):
                raise ProviderInvalidRequestError(
                    f"{name}={asked!r} cannot be sent: this backend was made with "
                    f"{name}={fixed.get(name)!r}"
                )

        async with self._within(timeout):
            text = await self._ask(messages)
        if not isinstance(text, str):
            raise ProviderServiceError(f"the backend answered {text!r:.200}, not a text")
        return Completion(content=text, model=str(fixed.get("model", self.model)))

    async def complete_structured(
        self,
        messages: Sequence[ChatMessage],
        response_model: type[T],
        *,
        temperature: float = 0.0,
        max_retries: int = 2,
        timeout: float | None = None,
    ) -> T:
        """See `llm.StructuredExtractor.complete_structured`.

        The backend is given the response model. What it raises as a `ValidationError`, or
        returns as text, is an attempt like any other.
        """
        del temperature  # the backend has its own
        shape = Shape(response_model)

        async def ask(conversation: Sequence[ChatMessage]) -> Answer:
            outcome = await self._ask(conversation, response_model)
            if isinstance(outcome, ValidationError):
                return Answer(text=_input_of(outcome), outcome=outcome)
            if isinstance(outcome, str):
                return Answer(text=outcome)
            if not isinstance(outcome, response_model):
                raise ProviderServiceError(
                    f"the backend answered {outcome!r:.200}, not a {response_model.__name__}"
                )
            return Answer(text=outcome.model_dump_json(), outcome=outcome)

        async with self._within(timeout):
            return await extract([Mode(ask)], messages, shape, max_retries)

    async def _ask(self, messages: Sequence[ChatMessage], *model: type[BaseModel]) -> object:
        dicts = [message.model_dump(exclude_none=True) for message in messages]
        with translated(ERRORS):
            try:
                return await self.backend(dicts, *model)
            except ValidationError as error:
                if model:
                    return error
                raise

    @asynccontextmanager
    async def _within(self, timeout: float | None) -> AsyncGenerator[None, None]:
        seconds = self._timeout if timeout is None else timeout
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError as error:
            raise ProviderTimeoutError(f"no answer within {seconds} s") from error

    async def aclose(self) -> None:
        """Close the backend. Harmless when repeated, if the backend's ``close`` is."""
        await self.backend.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()


def _input_of(error: ValidationError) -> str:
    """The text that did not validate, as far as the error remembers it."""
    given = error.errors(include_url=False)[0]["input"]
    return given if isinstance(given, str) else repr(given)
