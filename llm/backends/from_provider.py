"""A backend of any provider."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ValidationError

from llm.backends.base import BaseBackendLLM
from llm.errors import ProviderInvalidRequestError
from llm.protocols import LLMProvider, StructuredExtractor
from llm.structured import schema_aligned_extract
from llm.types import ChatMessage


class ProviderBackendLLM(BaseBackendLLM):
    """Calls a provider with fixed parameters.

    Args:
        provider: any chat model. It is closed with the backend.
        temperature: for every call. A provider that says, in ``ignored_parameters``, that
            its model takes none is not sent one.
        max_tokens: the most tokens of an answer in text; ``None`` leaves it to the provider.
        max_retries: how often the model may try again to fit ``output_schema_model``.
        timeout: seconds for every call; ``None`` takes the provider's own.
    """

    def __init__(
        self,
        provider: LLMProvider,
        *,
        temperature: float = 0.0,
        max_tokens: int | None = None,
        max_retries: int = 2,
        timeout: float | None = None,
    ) -> None:
        self.provider = provider
        self._temperature = temperature
        self._max_tokens = max_tokens
        self._max_retries = max_retries
        self._timeout = timeout

    @property
    def get_model_kwargs(self) -> dict[str, Any]:
        """See `BaseBackendLLM.get_model_kwargs`. The model is named as the wire names it."""
        kwargs: dict[str, Any] = {"model": self.provider.model.partition("/")[2]}
        if "temperature" not in getattr(self.provider, "ignored_parameters", ()):
            kwargs["temperature"] = self._temperature
        if self._max_tokens is not None:
            kwargs["max_tokens"] = self._max_tokens
        return {**kwargs, "stream": False}

    async def __call__(
        self,
        messages: list[dict[str, str]],
        output_schema_model: type[BaseModel] | None = None,
    ) -> str | BaseModel:
        """See `BaseBackendLLM.__call__`.

        Raises:
            ProviderInvalidRequestError: a message has no content, or a role that no
                provider knows.
            StructuredExtractionError: no answer fitted ``output_schema_model``.
            ProviderError: whatever else went wrong.
        """
        conversation = [_message(number, message) for number, message in enumerate(messages)]
        if output_schema_model is None:
            completion = await self.provider.complete(
                conversation,
                temperature=self._temperature,
                max_tokens=self._max_tokens,
                timeout=self._timeout,
            )
            return completion.content
        if isinstance(self.provider, StructuredExtractor):
            return await self.provider.complete_structured(
                conversation,
                output_schema_model,
                temperature=self._temperature,
                max_retries=self._max_retries,
                timeout=self._timeout,
            )
        return await schema_aligned_extract(
            self.provider,
            conversation,
            output_schema_model,
            temperature=self._temperature,
            max_retries=self._max_retries,
            timeout=self._timeout,
        )

    async def close(self) -> None:
        """Close the provider, where it can be closed. Harmless when repeated."""
        aclose = getattr(self.provider, "aclose", None)
        if aclose is not None:
            await aclose()


def _message(number: int, message: dict[str, str]) -> ChatMessage:
    # OpenAI's newer word for the same.
    role = "system" if message.get("role") == "developer" else message.get("role")
    try:
        return ChatMessage.model_validate({**message, "role": role})
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}"
            for detail in error.errors(include_url=False)
        )
        raise ProviderInvalidRequestError(f"message {number}: {problems}") from error
