"""OpenAI's way to write messages and to ask for a schema, which LiteLLM speaks too."""

from __future__ import annotations

import re
from typing import Any

from llm.adapters._strict_schema import InexpressibleError, strict_schema
from llm.structured import Shape
from llm.types import ChatMessage

REASONING_MODEL = re.compile(r"(ft:)?(o\d|gpt-(?!35)([5-9]|\d\d))(?!.*-chat)", re.IGNORECASE)
"""OpenAI's models that refuse ``temperature``, ``stop`` and ``max_tokens``."""
REFUSES_RESPONSE_FORMAT = re.compile(
    r"response_format|schema|structured|grammar|\bstrict\b", re.IGNORECASE
)
"""What servers mention when they do not take the response format that they were sent."""


def message_to_wire(message: ChatMessage) -> dict[str, str]:
    """A message as the chat completions wire has it."""
    wire = {"role": message.role, "content": message.content}
    if message.name is not None:
        wire["name"] = message.name
    if message.tool_call_id is not None:
        wire["tool_call_id"] = message.tool_call_id
    return wire


def response_format(shape: Shape[Any]) -> dict[str, Any]:
    """The request for JSON of a shape: strict, or where strict mode cannot say it, without."""
    try:
        schema, strict = strict_schema(shape.schema), True
    except InexpressibleError:
        schema, strict = shape.schema, False
    named = {"name": shape.name, "schema": schema, "strict": strict}
    return {"type": "json_schema", "json_schema": named}
