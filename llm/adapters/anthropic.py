"""Anthropic through the ``anthropic`` SDK."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from llm.adapters._base import SdkAdapter
from llm.adapters._retries import DEFAULT_MAX_RETRIES, DEFAULT_TIMEOUT
from llm.errors import ProviderServiceError
from llm.types import ChatMessage, Completion
from llm.types import Usage as TokenUsage

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic
    from anthropic.types import Message, Usage

_DEFAULT_MAX_TOKENS = 4096
"""The wire requires a bound; this one no reply to a memory or agent prompt reaches by chance."""


class AnthropicProvider(SdkAdapter["AsyncAnthropic"]):
    """Messages of Anthropic or of a server that speaks its wire.

    The wire takes no sampling parameters any more: ``temperature`` is left out.

    Args:
        model: ``anthropic/NAME`` or ``NAME``; what follows the prefix reaches the wire whole.
        api_key: default: the environment variable ``ANTHROPIC_API_KEY``.
        api_base: the server's URL without a version, such as ``https://host``.
        timeout: seconds for a whole call, retries included.
        max_retries: transport retries after a passing failure.
        return_raw: keep the response in `Completion.raw`.

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
    ) -> None:
        super().__init__(
            model,
            provider="anthropic",
            client="AsyncAnthropic",
            api_key=api_key,
            api_base=api_base,
            timeout=timeout,
            max_retries=max_retries,
        )
        self._return_raw = return_raw

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
        request: dict[str, Any] = {
            "model": self._wire_model,
            "max_tokens": _DEFAULT_MAX_TOKENS if max_tokens is None else max_tokens,
            "messages": [_to_wire(message) for message in messages if message.role != "system"],
        }
        instructions = [message.content for message in messages if message.role == "system"]
        if instructions:
            request["system"] = "\n\n".join(instructions)
        if stop is not None:
            request["stop_sequences"] = [stop] if isinstance(stop, str) else list(stop)

        async def attempt(client: AsyncAnthropic) -> Completion:
            return self._read(await client.messages.create(**request))

        return await self._call(attempt, self._deadline(timeout))

    def _read(self, response: Message) -> Completion:
        if response.content is None:
            raise ProviderServiceError(f"the reply has no content: {response.to_json()[:500]}")
        return Completion(
            content="".join(block.text for block in response.content if block.type == "text"),
            model=response.model,
            usage=None if response.usage is None else _usage(response.usage),
            finish_reason=response.stop_reason,
            raw=response.to_dict(mode="json") if self._return_raw else None,
        )


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
