"""Every provider that LiteLLM knows, through the ``litellm`` package."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from types import ModuleType
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from pydantic import BaseModel

from llm._translation import ErrorTable
from llm.adapters._base import Adapter
from llm.adapters._embedding import EmbeddingAdapter, Numbered
from llm.adapters._extras import import_sdk
from llm.adapters._openai_format import (
    REASONING_MODEL,
    REFUSES_RESPONSE_FORMAT,
    message_to_wire,
    response_format,
)
from llm.adapters._retries import DEFAULT_MAX_RETRIES, DEFAULT_TIMEOUT
from llm.errors import (
    ProviderAuthError,
    ProviderInvalidRequestError,
    ProviderRateLimitError,
    ProviderServiceError,
)
from llm.structured import Answer, Shape, ending_of, extract, native_then_prompted
from llm.types import ChatMessage, Completion, Usage

T = TypeVar("T", bound=BaseModel)

ERRORS: ErrorTable = {
    "Timeout": "by status",
    "APIConnectionError": ProviderServiceError,
    "APIResponseValidationError": ProviderServiceError,
    "APIStatusError": "by status",
    "APIError": "by status",
    "BudgetExceededError": ProviderInvalidRequestError,
    "BlockedPiiEntityError": ProviderInvalidRequestError,
    "GuardrailRaisedException": ProviderInvalidRequestError,
    "ModelNotMappedError": ProviderInvalidRequestError,
    "RouterRateLimitError": ProviderRateLimitError,
    "RouterRateLimitErrorBasic": ProviderRateLimitError,
    # Of LiteLLM's proxy and of interfaces that these adapters do not use.
    "MidStreamFallbackError": ProviderServiceError,
    "ModifyResponseException": ProviderServiceError,
    "SensitiveDataRouteException": ProviderServiceError,
    "ToolLoopMaxRoundsExceeded": ProviderServiceError,
    "OpenAIError": ProviderServiceError,
}
"""What the exceptions of ``litellm`` become; most of them are OpenAI's by inheritance."""

_NO_TIMEOUT = 86_400.0
"""Seconds. The deadline is ours; LiteLLM keeps a client for each timeout that it is given."""


class _Zero(int):
    """A zero that is true: LiteLLM's embeddings take a false one for their default of two."""

    def __bool__(self) -> bool:
        return True


_NO_RETRIES = _Zero(0)
_OFFLINE = ("LITELLM_LOCAL_MODEL_COST_MAP", "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS")


class LiteLLMProvider(Adapter[ModuleType]):
    """Chat models of every provider that LiteLLM knows.

    LiteLLM fetches tables from the internet unless the environment variables
    ``LITELLM_LOCAL_MODEL_COST_MAP`` and ``LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS`` are
    ``True``, which they are made here when they are not set.

    Args:
        model: ``provider/model`` in LiteLLM's names, or a bare name that it recognises.
        api_key: default: what LiteLLM reads from the environment for the provider.
        api_base: the server's URL, as LiteLLM wants it for the provider.
        timeout: seconds for a whole call, retries included; ``None`` sets no limit.
        max_retries: transport retries after a passing failure.
        return_raw: keep the response, as LiteLLM normalises it, in `Completion.raw`.
        options: passed to every call of LiteLLM (``aws_region_name``, ``api_version``, …).

    Raises:
        ValueError: LiteLLM knows no provider for the model.
        ProviderAuthError: no key was passed or found, for a provider that needs just that.
        ImportError: LiteLLM is not installed.
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
        **options: Any,
    ) -> None:
        sdk = _import_litellm()
        name, provider = _resolve(sdk, model)
        super().__init__(
            f"{provider}/{name}",
            client=partial(_Lease, sdk),
            errors=ERRORS,
            timeout=timeout,
            max_retries=max_retries,
        )
        self._return_raw = return_raw
        self._options = _options(sdk, self.model, api_key, api_base, options)
        known = sdk.get_supported_openai_params(name, custom_llm_provider=provider)
        self._takes_response_format = "response_format" in (known or ())
        if known is not None:
            self.ignored_parameters = frozenset({"temperature", "stop"} - set(known))
        if provider in ("openai", "azure") and REASONING_MODEL.match(name):
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
        """See `llm.LLMProvider.complete`. Parameters that the model refuses are left out."""
        request = self._request(messages, temperature)
        if max_tokens is not None:
            request["max_tokens"] = max_tokens
        if stop is not None and "stop" not in self.ignored_parameters:
            request["stop"] = [stop] if isinstance(stop, str) else list(stop)

        async def attempt(sdk: ModuleType) -> Completion:
            return self._read(sdk, await sdk.acompletion(**request))

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

        Asks by ``response_format`` where LiteLLM knows that the model takes it, and
        otherwise by the prompt.
        """
        shape = Shape(response_model)
        deadline = self._deadline(timeout)

        async def ask(conversation: Sequence[ChatMessage], added: Mapping[str, Any]) -> Answer:
            request = {**self._request(conversation, temperature), **added}

            async def attempt(sdk: ModuleType) -> Answer:
                return _answer(await sdk.acompletion(**request))

            return await self._call(attempt, deadline)

        takes = self._takes_response_format
        native = {"response_format": response_format(shape)} if takes else None
        modes = native_then_prompted(ask, shape, native, REFUSES_RESPONSE_FORMAT)
        return await extract(modes, messages, shape, max_retries)

    def _request(self, messages: Sequence[ChatMessage], temperature: float) -> dict[str, Any]:
        request = {
            "messages": [message_to_wire(message) for message in messages],
            "drop_params": True,
            **self._options,
        }
        if "temperature" not in self.ignored_parameters:
            request["temperature"] = temperature
        return request

    def _read(self, sdk: ModuleType, response: Any) -> Completion:
        choice = _first_choice(response)
        usage = _usage(response)
        if usage is not None:
            # It raises for every model that is not in its table of prices.
            with suppress(Exception):
                cost = sdk.completion_cost(completion_response=response, model=self.model)
                usage = usage.model_copy(update={"cost_usd": cost})
        content = choice.message.content
        return Completion(
            content="" if content is None else content,
            model=response.model,
            usage=usage,
            finish_reason=choice.finish_reason,
            raw=response.model_dump(mode="json") if self._return_raw else None,
        )


class LiteLLMEmbeddingProvider(EmbeddingAdapter[ModuleType]):
    """Embedding models of every provider that LiteLLM knows.

    Args:
        model, api_key, api_base, timeout, max_retries, options: as for `LiteLLMProvider`.
        dimensions: length of the vectors. Needed for a model that `llm.defaults` does not
            know; of one that it knows, another length is asked of the provider.
        batch_size: the most texts in one request; the default suits every provider.

    Raises:
        ValueError: LiteLLM knows no provider for the model, or its dimensions are not
            known and were not passed.
        ProviderAuthError: as for `LiteLLMProvider`.
        ImportError: LiteLLM is not installed.
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
        batch_size: int = 96,
        **options: Any,
    ) -> None:
        sdk = _import_litellm()
        name, provider = _resolve(sdk, model)
        super().__init__(
            f"{provider}/{name}",
            dimensions=dimensions,
            batch_size=batch_size,
            client=partial(_Lease, sdk),
            errors=ERRORS,
            timeout=timeout,
            max_retries=max_retries,
        )
        self._options = _options(sdk, self.model, api_key, api_base, options)
        if self._differs_from_default:
            self._options["dimensions"] = self.dimensions

    async def _request(self, client: ModuleType, texts: list[str]) -> Numbered:
        response = await client.aembedding(input=texts, **self._options)
        return ((item["index"], item["embedding"]) for item in response.data)


def _import_litellm() -> ModuleType:
    for variable in _OFFLINE:
        os.environ.setdefault(variable, "True")
    sdk = import_sdk("litellm")
    # It prints advice to standard output with every error.
    vars(sdk)["suppress_debug_info"] = True
    return sdk


def _resolve(sdk: ModuleType, model: str) -> tuple[str, str]:
    """Name and provider, in LiteLLM's words."""
    prefix, slash, rest = model.partition("/")
    try:
        name, provider, *_ = sdk.get_llm_provider(prefix.lower() + slash + rest if slash else model)
    except Exception as error:
        raise ValueError(
            f"LiteLLM knows no provider for {model!r}: write PROVIDER/MODEL, in its names"
        ) from error
    return name, provider


def _options(
    sdk: ModuleType,
    model: str,
    api_key: str | None,
    api_base: str | None,
    options: dict[str, Any],
) -> dict[str, Any]:
    missing = sdk.validate_environment(model)["missing_keys"]
    # Where anything but one key may be missing, there are other ways to say who one is.
    if not api_key and len(missing) == 1 and missing[0].endswith("_API_KEY"):
        raise ProviderAuthError(
            f"no key for {model}: pass api_key=… or set the environment variable {missing[0]}"
        )
    where = {"api_key": api_key, "api_base": api_base}
    return {
        "model": model,
        "timeout": _NO_TIMEOUT,
        "max_retries": _NO_RETRIES,
        "num_retries": 0,
        **{name: value for name, value in where.items() if value is not None},
        **options,
    }


def _first_choice(response: Any) -> Any:
    if not response.choices:
        raise ProviderServiceError(f"the reply has no choices: {response!r:.500}")
    return response.choices[0]


def _answer(response: Any) -> Answer:
    choice = _first_choice(response)
    # Up to LiteLLM 1.109 it is among what LiteLLM does not know, from 1.110 on an attribute.
    fields = choice.message.provider_specific_fields or {}
    refusal = getattr(choice.message, "refusal", None) or fields.get("refusal")
    if refusal:
        return Answer(text=refusal, ending="refused")
    content = choice.message.content
    return Answer(text="" if content is None else content, ending=ending_of(choice.finish_reason))


def _usage(response: Any) -> Usage | None:
    usage = getattr(response, "usage", None)
    # It writes zeros where the provider reported nothing.
    if usage is None or not usage.prompt_tokens + usage.completion_tokens:
        return None
    details = usage.prompt_tokens_details
    cached = (details.cached_tokens if details else None) or 0
    return Usage(
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        total_tokens=usage.prompt_tokens + usage.completion_tokens,
        cached_tokens=min(cached, usage.prompt_tokens),
    )


_leases: WeakKeyDictionary[asyncio.AbstractEventLoop, int] = WeakKeyDictionary()
_leases_lock = threading.Lock()


class _Lease:
    """LiteLLM for one adapter in one loop.

    LiteLLM keeps its clients for itself, one set for each loop, which all adapters share.
    The last adapter to leave a loop closes them.
    """

    def __init__(self, sdk: ModuleType) -> None:
        self._sdk = sdk

    async def __aenter__(self) -> ModuleType:
        loop = asyncio.get_running_loop()
        with _leases_lock:
            _leases[loop] = _leases.get(loop, 0) + 1
        return self._sdk

    async def __aexit__(self, *_: object) -> None:
        loop = asyncio.get_running_loop()
        with _leases_lock:
            _leases[loop] -= 1
            last = _leases[loop] == 0
        if last:
            await _close_clients(self._sdk, loop)


async def _close_clients(sdk: ModuleType, loop: asyncio.AbstractEventLoop) -> None:
    cache = sdk.in_memory_llm_clients_cache
    for key in [key for key in cache.cache_dict if key.endswith(f"-{id(loop)}")]:
        client = cache.cache_dict[key]
        cache.delete_cache(key)
        await client.close()
