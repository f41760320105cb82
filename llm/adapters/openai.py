"""OpenAI, and any server that speaks its wire, through the ``openai`` SDK."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel

from llm._translation import ErrorTable
from llm.adapters._base import Adapter, client_options, key_for, without_prefix
from llm.adapters._embedding import EmbeddingAdapter, Numbered
from llm.adapters._extras import import_sdk
from llm.adapters._openai_format import (
    REASONING_MODEL,
    REFUSES_RESPONSE_FORMAT,
    message_to_wire,
    response_format,
)
from llm.adapters._retries import DEFAULT_MAX_RETRIES, DEFAULT_TIMEOUT
from llm.errors import ProviderAuthError, ProviderServiceError, ProviderTimeoutError
from llm.structured import Answer, Shape, ending_of, extract, native_then_prompted
from llm.types import ChatMessage, Completion, Usage

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.types import CompletionUsage
    from openai.types.chat import ChatCompletion
    from openai.types.chat.chat_completion import Choice

T = TypeVar("T", bound=BaseModel)

ERRORS: ErrorTable = {
    "APITimeoutError": ProviderTimeoutError,
    "APIConnectionError": ProviderServiceError,
    "APIResponseValidationError": ProviderServiceError,
    "OAuthError": ProviderAuthError,
    "SubjectTokenProviderError": ProviderAuthError,
    "APIStatusError": "by status",
    "APIError": ProviderServiceError,
    # Of interfaces that these adapters do not use.
    "ContentFilterFinishReasonError": ProviderServiceError,
    "InvalidWebhookSignatureError": ProviderServiceError,
    "LengthFinishReasonError": ProviderServiceError,
    "WebSocketConnectionClosedError": ProviderServiceError,
    "WebSocketQueueFullError": ProviderServiceError,
    "_AmbiguousModuleClientUsageError": ProviderServiceError,
    "OpenAIError": ProviderServiceError,
}
"""What the exceptions of the ``openai`` SDK become."""

_SHORTENABLE = re.compile(r"text-embedding-3-", re.IGNORECASE)
_LARGEST_BATCH = 2048


class OpenAIProvider(Adapter["AsyncOpenAI"]):
    """Chat completions of OpenAI, of Azure OpenAI, or of a server that speaks their wire.

    Args:
        model: ``openai/NAME`` or ``NAME``; what follows the prefix reaches the wire whole.
        api_key: default: the environment variable ``OPENAI_API_KEY``.
        api_base: the server's URL with its version, such as ``https://host/v1``.
        timeout: seconds for a whole call, retries included; ``None`` sets no limit.
        max_retries: transport retries after a passing failure.
        return_raw: keep the response in `Completion.raw`.
        seed: sent with every request, for servers that can repeat a sampled reply.
        api_version: of Azure OpenAI where its URLs name deployments; ``api_base`` is then
            the resource's URL, ``https://NAME.openai.azure.com``, and the model the
            deployment's name.

    Raises:
        ProviderAuthError: no key was passed or found.
        ImportError: the SDK is not installed.
    """

    def __init__(
        self,
        model: str,
        *,
        api_key: str | None = None,
        api_base: str | None = None,
        timeout: float | None = DEFAULT_TIMEOUT,
        max_retries: int = DEFAULT_MAX_RETRIES,
        return_raw: bool = False,
        seed: int | None = None,
        api_version: str | None = None,
    ) -> None:
        self._wire_model = without_prefix(model, "openai")
        super().__init__(
            f"openai/{self._wire_model}",
            client=_client(model, api_key, api_base, api_version),
            errors=ERRORS,
            timeout=timeout,
            max_retries=max_retries,
        )
        self._return_raw = return_raw
        self._seed = seed
        self._reasons = REASONING_MODEL.match(self._wire_model) is not None
        if self._reasons:
            self.ignored_parameters = frozenset({"temperature", "stop"})

    async def complete(
        self,
        messages: Sequence[ChatMessage],
        *,
        temperature: float = 0.0,
        max_tokens: int | None = None,
        stop: Sequence[str] | None = None,
        timeout: float | None = None,
    ) -> Completion:
        """See `llm.LLMProvider.complete`.

        Reasoning models refuse ``temperature`` and ``stop``; for them both are left out.
        """
        request = self._request(messages, temperature)
        if max_tokens is not None:
            request["max_completion_tokens" if self._reasons else "max_tokens"] = max_tokens
        if stop is not None and not self._reasons:
            request["stop"] = [stop] if isinstance(stop, str) else list(stop)

        async def attempt(client: AsyncOpenAI) -> Completion:
            return self._read(await client.chat.completions.create(**request))

        return await self._call(attempt, self._deadline(timeout))

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

        Asks for strict JSON schema; for a schema that strict mode cannot express, for the
        schema without the promise; and of a server that takes neither, by the prompt.
        """
        shape = Shape(response_model)
        deadline = self._deadline(timeout)

        async def ask(conversation: Sequence[ChatMessage], added: Mapping[str, Any]) -> Answer:
            request = {**self._request(conversation, temperature), **added}

            async def attempt(client: AsyncOpenAI) -> Answer:
                return _answer(await client.chat.completions.create(**request))

            return await self._call(attempt, deadline)

        native = {"response_format": response_format(shape)}
        modes = native_then_prompted(ask, shape, native, REFUSES_RESPONSE_FORMAT)
        return await extract(modes, messages, shape, max_retries)

    def _request(self, messages: Sequence[ChatMessage], temperature: float) -> dict[str, Any]:
        request: dict[str, Any] = {
            "model": self._wire_model,
            "messages": [message_to_wire(message) for message in messages],
        }
        if self._seed is not None:
            request["seed"] = self._seed
        if not self._reasons:
            request["temperature"] = temperature
        return request

    def _read(self, response: ChatCompletion) -> Completion:
        choice = _first_choice(response)
        return Completion(
            content="" if choice.message.content is None else choice.message.content,
            model=response.model,
            usage=None if response.usage is None else _usage(response.usage),
            finish_reason=choice.finish_reason,
            raw=response.to_dict(mode="json") if self._return_raw else None,
        )


class OpenAIEmbeddingProvider(EmbeddingAdapter["AsyncOpenAI"]):
    """Embeddings of OpenAI or of a server that speaks its wire.

    Args:
        model: as for `OpenAIProvider`.
        dimensions: length of the vectors. Needed for a model that `llm.defaults` does not
            know; for ``text-embedding-3-*`` a smaller one is asked of the provider.
        api_key, api_base, timeout, max_retries, api_version: as for `OpenAIProvider`.

    Raises:
        ValueError: the model's dimensions are not known and were not passed.
        ProviderAuthError: no key was passed or found.
        ImportError: the SDK is not installed.
    """

    def __init__(
        self,
        model: str,
        *,
        dimensions: int | None = None,
        api_key: str | None = None,
        api_base: str | None = None,
        timeout: float | None = DEFAULT_TIMEOUT,
        max_retries: int = DEFAULT_MAX_RETRIES,
        api_version: str | None = None,
    ) -> None:
        self._wire_model = without_prefix(model, "openai")
        super().__init__(
            f"openai/{self._wire_model}",
            dimensions=dimensions,
            batch_size=_LARGEST_BATCH,
            client=_client(model, api_key, api_base, api_version),
            errors=ERRORS,
            timeout=timeout,
            max_retries=max_retries,
        )
        asks = self._differs_from_default and _SHORTENABLE.match(self._wire_model)
        self._asked: dict[str, Any] = {"dimensions": self.dimensions} if asks else {}

    async def _request(self, client: AsyncOpenAI, texts: list[str]) -> Numbered:
        response = await client.embeddings.create(
            model=self._wire_model, input=texts, **self._asked
        )
        return ((item.index, item.embedding) for item in response.data)


def _client(
    model: str, api_key: str | None, api_base: str | None, api_version: str | None
) -> Callable[[], AsyncOpenAI]:
    sdk = import_sdk("openai")
    if api_version is None:
        options = client_options(key_for(model, api_key, "OPENAI_API_KEY"), api_base)
        return partial(sdk.AsyncOpenAI, **options)
    options = client_options(key_for(model, api_key, "AZURE_OPENAI_API_KEY"), None)
    azure = {"api_version": api_version, "azure_endpoint": api_base}
    return partial(sdk.AsyncAzureOpenAI, **options, **azure)


def _first_choice(response: ChatCompletion) -> Choice:
    if not response.choices:
        raise ProviderServiceError(f"the reply has no choices: {response.to_json()[:500]}")
    return response.choices[0]


def _answer(response: ChatCompletion) -> Answer:
    choice = _first_choice(response)
    if choice.message.refusal:
        return Answer(text=choice.message.refusal, ending="refused")
    text = "" if choice.message.content is None else choice.message.content
    return Answer(text=text, ending=ending_of(choice.finish_reason))


def _usage(usage: CompletionUsage) -> Usage:
    details = usage.prompt_tokens_details
    cached = (details.cached_tokens if details else None) or 0
    return Usage(
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        total_tokens=usage.prompt_tokens + usage.completion_tokens,
        cached_tokens=min(cached, usage.prompt_tokens),
    )
