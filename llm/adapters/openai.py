"""OpenAI, and any server that speaks its wire, through the ``openai`` SDK."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from llm.adapters._base import SdkAdapter
from llm.adapters._retries import DEFAULT_MAX_RETRIES, DEFAULT_TIMEOUT
from llm.defaults import lookup_embedding_dimensions
from llm.errors import ProviderServiceError
from llm.types import ChatMessage, Completion, Usage

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.types import CompletionUsage, CreateEmbeddingResponse
    from openai.types.chat import ChatCompletion

_REASONING_MODEL = re.compile(r"(ft:)?(o\d|gpt-([5-9]|\d\d))(?!.*-chat)", re.IGNORECASE)
_SHORTENABLE = re.compile(r"text-embedding-3-", re.IGNORECASE)
_LARGEST_BATCH = 2048


class OpenAIProvider(SdkAdapter["AsyncOpenAI"]):
    """Chat completions of OpenAI or of a server that speaks its wire.

    Args:
        model: ``openai/NAME`` or ``NAME``; what follows the prefix reaches the wire whole.
        api_key: default: the environment variable ``OPENAI_API_KEY``.
        api_base: the server's URL with its version, such as ``https://host/v1``.
        timeout: seconds for a whole call, retries included.
        max_retries: transport retries after a passing failure.
        return_raw: keep the response in `Completion.raw`.
        seed: sent with every request, for servers that can repeat a sampled reply.

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
        timeout: float = DEFAULT_TIMEOUT,
        max_retries: int = DEFAULT_MAX_RETRIES,
        return_raw: bool = False,
        seed: int | None = None,
    ) -> None:
        super().__init__(
            model,
            provider="openai",
            client="AsyncOpenAI",
            api_key=api_key,
            api_base=api_base,
            timeout=timeout,
            max_retries=max_retries,
        )
        self._return_raw = return_raw
        self._seed = seed

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
        request: dict[str, Any] = {
            "model": self._wire_model,
            "messages": [_to_wire(message) for message in messages],
        }
        if self._seed is not None:
            request["seed"] = self._seed
        if _REASONING_MODEL.match(self._wire_model):
            request |= {} if max_tokens is None else {"max_completion_tokens": max_tokens}
        else:
            request["temperature"] = temperature
            request |= {} if max_tokens is None else {"max_tokens": max_tokens}
            request |= {} if stop is None else {"stop": _listed(stop)}

        async def attempt(client: AsyncOpenAI) -> Completion:
            return self._read(await client.chat.completions.create(**request))

        return await self._call(attempt, self._deadline(timeout))

    def _read(self, response: ChatCompletion) -> Completion:
        if not response.choices:
            raise ProviderServiceError(f"the reply has no choices: {response.to_json()[:500]}")
        choice = response.choices[0]
        return Completion(
            content="" if choice.message.content is None else choice.message.content,
            model=response.model,
            usage=None if response.usage is None else _usage(response.usage),
            finish_reason=choice.finish_reason,
            raw=response.to_dict(mode="json") if self._return_raw else None,
        )


class OpenAIEmbeddingProvider(SdkAdapter["AsyncOpenAI"]):
    """Embeddings of OpenAI or of a server that speaks its wire.

    Args:
        model: as for `OpenAIProvider`.
        dimensions: length of the vectors. Needed for a model that `llm.defaults` does not
            know; for ``text-embedding-3-*`` a smaller one is asked of the provider.
        api_key, api_base, timeout, max_retries: as for `OpenAIProvider`.

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
        timeout: float = DEFAULT_TIMEOUT,
        max_retries: int = DEFAULT_MAX_RETRIES,
    ) -> None:
        super().__init__(
            model,
            provider="openai",
            client="AsyncOpenAI",
            api_key=api_key,
            api_base=api_base,
            timeout=timeout,
            max_retries=max_retries,
        )
        native = lookup_embedding_dimensions(self.model)
        wanted = native if dimensions is None else dimensions
        if wanted is None:
            raise ValueError(
                f"the length of the vectors of {self.model!r} is not known: pass dimensions=…"
            )
        if wanted <= 0:
            raise ValueError(f"dimensions must be positive, not {wanted}")
        self.dimensions: int = wanted
        shortened = wanted != native and _SHORTENABLE.match(self._wire_model)
        self._asked: dict[str, Any] = {"dimensions": wanted} if shortened else {}

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """See `llm.EmbeddingProvider.embed`. More than 2,048 texts take several requests."""
        if isinstance(texts, str):
            raise TypeError("embed() takes a sequence of texts; for one text use embed_one()")
        deadline = self._deadline(None)
        vectors: list[list[float]] = []
        for start in range(0, len(texts), _LARGEST_BATCH):
            batch = list(texts[start : start + _LARGEST_BATCH])
            vectors += await self._embed_batch(batch, deadline)
        return vectors

    async def embed_one(self, text: str) -> list[float]:
        """See `llm.EmbeddingProvider.embed_one`."""
        return (await self.embed([text]))[0]

    async def _embed_batch(self, texts: list[str], deadline: float) -> list[list[float]]:
        async def attempt(client: AsyncOpenAI) -> list[list[float]]:
            response = await client.embeddings.create(
                model=self._wire_model, input=texts, **self._asked
            )
            return self._vectors(response, len(texts))

        return await self._call(attempt, deadline)

    def _vectors(self, response: CreateEmbeddingResponse, wanted: int) -> list[list[float]]:
        # The wire promises no order: `index` says which text a vector belongs to.
        by_index = {item.index: item.embedding for item in response.data}
        if len(response.data) != wanted or by_index.keys() != set(range(wanted)):
            raise ProviderServiceError(
                f"the provider sent {len(response.data)} vectors, numbered "
                f"{sorted(by_index)[:10]}, for {wanted} texts"
            )
        for index, vector in by_index.items():
            if len(vector) != self.dimensions:
                raise ProviderServiceError(
                    f"vector {index} has length {len(vector)}, not {self.dimensions}: "
                    f"check dimensions=… for {self.model}"
                )
        return [[float(number) for number in by_index[index]] for index in range(wanted)]


def _to_wire(message: ChatMessage) -> dict[str, str]:
    wire = {"role": message.role, "content": message.content}
    if message.name is not None:
        wire["name"] = message.name
    if message.tool_call_id is not None:
        wire["tool_call_id"] = message.tool_call_id
    return wire


def _listed(stop: Sequence[str]) -> list[str]:
    return [stop] if isinstance(stop, str) else list(stop)


def _usage(usage: CompletionUsage) -> Usage:
    details = usage.prompt_tokens_details
    cached = (details.cached_tokens if details else None) or 0
    return Usage(
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        total_tokens=usage.prompt_tokens + usage.completion_tokens,
        cached_tokens=min(cached, usage.prompt_tokens),
    )
