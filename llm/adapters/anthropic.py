"""Anthropic through the ``anthropic`` SDK."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel

from llm._translation import ErrorTable
from llm.adapters._base import Adapter, client_options, key_for, without_prefix
from llm.adapters._extras import import_sdk
from llm.adapters._retries import DEFAULT_MAX_RETRIES, DEFAULT_TIMEOUT
from llm.errors import ProviderAuthError, ProviderServiceError, ProviderTimeoutError
from llm.structured import Answer, Shape, ending_of, extract, native_then_prompted
from llm.types import ChatMessage, Completion
from llm.types import Usage as TokenUsage

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic
    from anthropic.types import Message, Usage

T = TypeVar("T", bound=BaseModel)

ERRORS: ErrorTable = {
    "APITimeoutError": ProviderTimeoutError,
    "APIConnectionError": ProviderServiceError,
    "APIResponseValidationError": ProviderServiceError,
    "APIStatusError": "by status",
    "APIError": ProviderServiceError,
    "CredentialsError": ProviderAuthError,
    "WorkloadIdentityError": ProviderAuthError,
    # Of interfaces that this adapter does not use.
    "APIWebhookValidationError": ProviderServiceError,
    "RetryableError": ProviderServiceError,
    "AnthropicError": ProviderServiceError,
}
"""What the exceptions of the ``anthropic`` SDK become."""

_DEFAULT_MAX_TOKENS = 4096
"""The wire requires a bound; this one no reply to a memory or agent prompt reaches by chance."""
_FORCED_TOOL = re.compile(r"tool|thinking", re.IGNORECASE)


class AnthropicProvider(Adapter["AsyncAnthropic"]):
    """Messages of Anthropic or of a server that speaks its wire.

    The wire takes no sampling parameters any more: ``temperature`` is left out.

    Args:
        model: ``anthropic/NAME`` or ``NAME``; what follows the prefix reaches the wire whole.
        api_key: default: the environment variable ``ANTHROPIC_API_KEY``.
        api_base: the server's URL without a version, such as ``https://host``.
        timeout: seconds for a whole call, retries included; ``None`` sets no limit.
        max_retries: transport retries after a passing failure.
        return_raw: keep the response in `Completion.raw`.
        max_tokens: the most tokens to generate when a call does not say.
        prompt_caching: have the provider cache each prompt, so that a later one that
            begins alike costs less. Writing to the cache costs more.

    Raises:
        ProviderAuthError: no key was passed or found.
        ImportError: the SDK is not installed.
    """

    ignored_parameters = frozenset({"temperature"})

    def __init__(
        self,
        model: str,
        *,
        api_key: str | None = None,
        api_base: str | None = None,
        timeout: float | None = DEFAULT_TIMEOUT,
        max_retries: int = DEFAULT_MAX_RETRIES,
        return_raw: bool = False,
        max_tokens: int = _DEFAULT_MAX_TOKENS,
        prompt_caching: bool = False,
    ) -> None:
        sdk = import_sdk("anthropic")
        options = client_options(key_for(model, api_key, "ANTHROPIC_API_KEY"), api_base)
        self._wire_model = without_prefix(model, "anthropic")
        super().__init__(
            f"anthropic/{self._wire_model}",
            client=partial(sdk.AsyncAnthropic, **options),
            errors=ERRORS,
            timeout=timeout,
            max_retries=max_retries,
        )
        self._return_raw = return_raw
        self._max_tokens = max_tokens
        self._prompt_caching = prompt_caching

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

        System messages, wherever they stand, become the wire's ``system``, in order.
        """
        del temperature  # part of the contract, not of this wire
        request = self._request(messages)
        if max_tokens is not None:
            request["max_tokens"] = max_tokens
        if stop is not None:
            request["stop_sequences"] = [stop] if isinstance(stop, str) else list(stop)

        async def attempt(client: AsyncAnthropic) -> Completion:
            return self._read(await client.messages.create(**request))

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

        Forces the use of a tool whose input is the answer; of a server or a model that
        takes no such request, asks by the prompt. A reply in text is read as one.
        """
        del temperature  # part of the contract, not of this wire
        shape = Shape(response_model)
        deadline = self._deadline(timeout)

        async def ask(conversation: Sequence[ChatMessage], added: Mapping[str, Any]) -> Answer:
            request = {**self._request(conversation), **added}

            async def attempt(client: AsyncAnthropic) -> Answer:
                return _answer(await client.messages.create(**request))

            return await self._call(attempt, deadline)

        modes = native_then_prompted(ask, shape, _forced_tool(shape), _FORCED_TOOL)
        return await extract(modes, messages, shape, max_retries)

    def _request(self, messages: Sequence[ChatMessage]) -> dict[str, Any]:
        request: dict[str, Any] = {
            "model": self._wire_model,
            "max_tokens": self._max_tokens,
            "messages": [_to_wire(message) for message in messages if message.role != "system"],
        }
        instructions = [message.content for message in messages if message.role == "system"]
        if instructions:
            request["system"] = "\n\n".join(instructions)
        if self._prompt_caching:
            request["cache_control"] = {"type": "ephemeral"}
        return request

    def _read(self, response: Message) -> Completion:
        return Completion(
            content=_text(response),
            model=response.model,
            usage=None if response.usage is None else _usage(response.usage),
            finish_reason=response.stop_reason,
            raw=response.to_dict(mode="json") if self._return_raw else None,
        )


def _forced_tool(shape: Shape[Any]) -> dict[str, Any]:
    """What makes the model give its answer as the input of a tool."""
    tool = {
        "name": shape.name,
        "description": "Give the answer, as the input of this tool.",
        "input_schema": shape.schema,
    }
    choice = {"type": "tool", "name": shape.name, "disable_parallel_tool_use": True}
    return {"tools": [tool], "tool_choice": choice}


def _text(response: Message) -> str:
    if response.content is None:
        raise ProviderServiceError(f"the reply has no content: {response.to_json()[:500]}")
    return "".join(block.text for block in response.content if block.type == "text")


def _answer(response: Message) -> Answer:
    text = _text(response)
    for block in response.content:
        if block.type == "tool_use":
            text = json.dumps(block.input, ensure_ascii=False)
            break
    return Answer(text=text, ending=ending_of(response.stop_reason))


def _to_wire(message: ChatMessage) -> dict[str, Any]:
    if message.role != "tool":
        return {"role": message.role, "content": message.content}
    # A tool's answer is a user turn on this wire.
    result = {
        "type": "tool_result",
        "tool_use_id": message.tool_call_id,
        "content": message.content,
    }
    return {"role": "user", "content": [result]}


def _usage(usage: Usage) -> TokenUsage:
    # The wire counts the tokens that touch the cache apart from `input_tokens`.
    cached = usage.cache_read_input_tokens or 0
    prompt = usage.input_tokens + (usage.cache_creation_input_tokens or 0) + cached
    return TokenUsage(
        prompt_tokens=prompt,
        completion_tokens=usage.output_tokens,
        total_tokens=prompt + usage.output_tokens,
        cached_tokens=cached,
    )
