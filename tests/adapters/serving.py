"""Chat adapters of installed SDKs, and a server on loopback for each."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import pytest

from llm import ChatMessage, from_provider
from tck.wire.dialects import dialect_for
from tck.wire.dialects.model import ChatReply
from tck.wire.server import LoopbackServer, Received, Reply

HELLO = [ChatMessage(role="user", content="hello")]

# LiteLLM has two ways to the network: OpenAI's SDK, and handlers of its own.
_SDK_OF = {
    "openai": "openai",
    "anthropic": "anthropic",
    "litellm": "litellm",
    "litellm-mistral": "litellm",
}
_MODEL_OF = {
    "openai": "openai/m",
    "anthropic": "anthropic/m",
    "litellm": "openai/m",
    "litellm-mistral": "mistral/m",
}
CHAT_ADAPTERS = pytest.mark.parametrize(
    "name", [name for name, sdk in _SDK_OF.items() if find_spec(sdk) is not None]
)


def provider(name: str, origin: str, **options: Any) -> Any:
    """A chat adapter that talks to a server."""
    path = "" if name == "anthropic" else "/v1"
    return from_provider(
        options.pop("model", _MODEL_OF[name]),
        prefer_litellm=name.startswith("litellm"),
        api_key="key",
        api_base=origin + path,
        **options,
    )


def served(respond: Callable[[Received], Reply | None]) -> LoopbackServer:
    """A server that answers each request by a function."""

    async def responder(received: Received) -> Reply | None:
        return respond(received)

    return LoopbackServer(responder, limit=60)


def reply(name: str, status: int = 200, text: str = "hi", **headers: str) -> Reply:
    """A reply with a text, or an error, in the adapter's wire format."""
    dialect = dialect_for("anthropic" if name == "anthropic" else "openai")
    assert dialect is not None
    if status == 200:
        return Reply(dialect.write_chat(ChatReply(text=text)))
    body = dialect.write_error(status, f"wire error {status}")
    return Reply(body, status, {key.replace("_", "-"): value for key, value in headers.items()})


def body_of(received: Received) -> dict[str, Any]:
    """The JSON of a request."""
    body: dict[str, Any] = json.loads(received.body)
    return body
