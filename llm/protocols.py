"""The contracts. They are structural: an adapter need not inherit from them."""

from collections.abc import Sequence
from typing import Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel

from llm.types import ChatMessage, Completion

T = TypeVar("T", bound=BaseModel)


@runtime_checkable
class LLMProvider(Protocol):
    """A chat model.

    Safe to call concurrently: a call shares no mutable state with another.

    Attributes:
        model: the canonical ``provider/model``; a bare name is normalised to it.

    Source: the provider API reference, ``LLMProvider``.
    """

    model: str

    async def complete(
        self,
        messages: Sequence[ChatMessage],
        *,
        temperature: float = 0.0,
        max_tokens: int | None = None,
        stop: Sequence[str] | None = None,
        timeout: float | None = None,
    ) -> Completion:
        """Answer a conversation.

        Args:
            messages: the conversation, oldest first; it is not changed.
            temperature: 0.0 is deterministic where the provider supports it. Left out
                of the request where the provider takes no sampling parameters.
            max_tokens: the most tokens to generate; ``None`` leaves it to the adapter.
            stop: texts at which generation ends.
            timeout: seconds for the whole call, retries included; ``None`` takes the
                adapter's own.

        Raises:
            ProviderError: whatever goes wrong, as the subclass that says what.
        """
        ...


@runtime_checkable
class StructuredExtractor(Protocol):
    """A chat model that can answer in the shape of a pydantic model.

    It uses the most reliable mode that its provider has, or a schema in the prompt.

    Source: the provider API reference, ``StructuredExtractor``.
    """

    async def complete_structured(
        self,
        messages: Sequence[ChatMessage],
        response_model: type[T],
        *,
        temperature: float = 0.0,
        max_retries: int = 2,
        timeout: float | None = None,
    ) -> T:
        """Answer a conversation with a validated instance of ``response_model``.

        Args:
            messages: as in `LLMProvider.complete`.
            response_model: what the answer must validate as.
            temperature: as in `LLMProvider.complete`.
            max_retries: how often the model may try again after output that does not
                validate, each time told what was wrong; 0 is one attempt in all.
            timeout: seconds for the whole call, every attempt included.

        Raises:
            StructuredExtractionError: no attempt validated, or the model refused.
            ProviderError: whatever else goes wrong, unretried here.
        """
        ...


@runtime_checkable
class EmbeddingProvider(Protocol):
    """A model that turns texts into vectors.

    Attributes:
        model: the canonical ``provider/model``.
        dimensions: the length of every vector, known from construction on.

    Source: the provider API reference, ``EmbeddingProvider``.
    """

    model: str
    dimensions: int

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector of length ``dimensions`` a text, in the order of the texts.

        ``embed([])`` is ``[]`` and asks nobody.

        Raises:
            ProviderError: whatever goes wrong; a short result is never returned.
        """
        ...

    async def embed_one(self, text: str) -> list[float]:
        """The vector of one text: ``(await embed([text]))[0]``."""
        ...
