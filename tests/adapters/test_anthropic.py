"""What is Anthropic's own: parameters, blocks, and the counting of cached tokens."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from llm import ChatMessage, ProviderAuthError, Usage, from_provider
from llm.types import Role
from tck.wire.server import Reply
from tests.adapters.serving import HELLO, body_of, provider, reply, served


async def _sent(
    messages: Sequence[ChatMessage], built: dict[str, Any], **parameters: Any
) -> dict[str, Any]:
    with served(lambda _: reply("anthropic")) as server:
        async with provider("anthropic", server.origin, **built) as adapter:
            await adapter.complete(messages, **parameters)
    return body_of(server.received[0])


async def test_parameters() -> None:
    assert await _sent(HELLO, {}, stop="END", temperature=0.5) == {
        "model": "m",
        "messages": [{"role": "user", "content": "hello"}],
        "max_tokens": 4096,
        "stop_sequences": ["END"],
    }
    assert (await _sent(HELLO, {"max_tokens": 9}))["max_tokens"] == 9
    assert (await _sent(HELLO, {"max_tokens": 9}, max_tokens=7))["max_tokens"] == 7


async def test_system_messages_stay_instructions_wherever_they_stand() -> None:
    roles: list[Role] = ["system", "user", "system", "assistant", "system", "user"]
    body = await _sent([ChatMessage(role=r, content=f"{n}") for n, r in enumerate(roles)], {})
    assert body["system"] == "0\n\n2\n\n4"
    assert [turn["content"] for turn in body["messages"]] == ["1", "3", "5"]


async def test_prompts_are_cached_when_it_was_asked_for() -> None:
    assert "cache_control" not in await _sent(HELLO, {})
    body = await _sent(HELLO, {"prompt_caching": True})
    assert body["cache_control"] == {"type": "ephemeral"}


async def test_tool_messages() -> None:
    body = await _sent([ChatMessage(role="tool", content="42", tool_call_id="t1")], {})
    result = {"type": "tool_result", "tool_use_id": "t1", "content": "42"}
    assert body["messages"] == [{"role": "user", "content": [result]}]


async def test_a_reply_in_several_blocks_is_one_text() -> None:
    body = {
        "model": "m",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": "s"},
            {"type": "text", "text": "one "},
            {"type": "tool_use", "id": "t", "name": "n", "input": {}},
            {"type": "text", "text": "two"},
        ],
        "stop_reason": "end_turn",
        "usage": {
            "input_tokens": 3,
            "output_tokens": 4,
            "cache_read_input_tokens": 20,
            "cache_creation_input_tokens": 100,
        },
    }
    with served(lambda _: Reply(json.dumps(body).encode())) as server:
        async with provider("anthropic", server.origin) as adapter:
            completion = await adapter.complete(HELLO)
    assert completion.content == "one two"
    assert completion.usage == Usage(
        prompt_tokens=123, completion_tokens=4, total_tokens=127, cached_tokens=20
    )


def test_a_missing_key_is_an_auth_error(monkeypatch: pytest.MonkeyPatch) -> None:
    for key in (None, ""):
        with pytest.raises(ProviderAuthError, match="ANTHROPIC_API_KEY"):
            from_provider("anthropic/m", api_key=key)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "from the environment")
    assert from_provider("anthropic/m").model == "anthropic/m"
    with pytest.raises(ProviderAuthError):
        from_provider("anthropic/m", api_key="")
