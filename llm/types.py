"""What goes into a provider and what comes out of it."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Role = Literal["system", "user", "assistant", "tool"]


class ChatMessage(BaseModel):
    """One message of a conversation. Immutable, so that calls and retries may share it.

    Raises:
        pydantic.ValidationError: the role is not one of the four, or a field is not text.

    Source: the provider API reference, ``ChatMessage``.
    """

    model_config = ConfigDict(frozen=True)

    role: Role
    content: str
    name: str | None = None
    """Who is speaking, where the provider has a field for it."""
    tool_call_id: str | None = None
    """The tool call that a message of role ``tool`` answers."""


class Usage(BaseModel):
    """Tokens that one call cost, as the provider counted them.

    Raises:
        pydantic.ValidationError: a count is negative.

    Source: the provider API reference, ``Usage``.
    """

    prompt_tokens: int = Field(default=0, ge=0)
    """Tokens of the prompt, those read from or written to a cache included."""
    completion_tokens: int = Field(default=0, ge=0)
    total_tokens: int = Field(default=0, ge=0)
    """``prompt_tokens + completion_tokens``."""
    cached_tokens: int = Field(default=0, ge=0)
    """The part of ``prompt_tokens`` that the provider read from its cache."""
    cost_usd: float | None = None
    """US dollars, where the adapter knows; ``None`` is "unknown", never "free"."""


class Completion(BaseModel):
    """A provider's reply to one chat call.

    Source: the provider API reference, ``Completion``.
    """

    content: str
    """The text, character for character; ``""`` when the reply holds none."""
    model: str
    """The model that the provider says has answered, which may be a dated variant."""
    usage: Usage | None = None
    """``None`` when the provider reported none."""
    finish_reason: str | None = None
    """Why the model stopped, in the provider's own word (``stop``, ``max_tokens``, …)."""
    raw: dict[str, Any] | None = None
    """The provider's response, only from an adapter built with ``return_raw=True``."""
