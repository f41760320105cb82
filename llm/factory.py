"""`from_provider`: a provider from the name of its model."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, overload

from llm.protocols import EmbeddingProvider, LLMProvider


@dataclass(frozen=True)
class _Native:
    """One native adapter: which names it serves, and where its classes are."""

    prefix: str
    bare_names: re.Pattern[str]
    classes: dict[str, str]  # kind -> module:class


_NATIVE = (
    _Native(
        prefix="openai",
        bare_names=re.compile(r"(gpt-|chatgpt-|o\d|text-embedding-|ft:(gpt-|o\d))", re.IGNORECASE),
        classes={
            "llm": "llm.adapters.openai:OpenAIProvider",
            "embedding": "llm.adapters.openai:OpenAIEmbeddingProvider",
        },
    ),
    _Native(
        prefix="anthropic",
        bare_names=re.compile(r"claude-", re.IGNORECASE),
        classes={"llm": "llm.adapters.anthropic:AnthropicProvider"},
    ),
)


@overload
def from_provider(
    model: str, *, kind: Literal["llm"] = "llm", prefer_litellm: bool = False, **kwargs: Any
) -> LLMProvider: ...


@overload
def from_provider(
    model: str, *, kind: Literal["embedding"], prefer_litellm: bool = False, **kwargs: Any
) -> EmbeddingProvider: ...


def from_provider(
    model: str,
    *,
    kind: Literal["llm", "embedding"] = "llm",
    prefer_litellm: bool = False,
    **kwargs: Any,
) -> LLMProvider | EmbeddingProvider:
    """Build the adapter that serves ``model``.

    Args:
        model: ``openai/…``, ``anthropic/…`` (the prefix in any case), or a bare name of
            one of their families (``gpt-…``, ``o3``, ``text-embedding-…``, ``claude-…``).
        kind: ``"llm"`` for a chat model, ``"embedding"`` for an embedding model.
        prefer_litellm: take LiteLLM even where there is a native adapter.
        kwargs: passed to the adapter unchanged (``api_key``, ``api_base``, ``timeout``, …).

    Raises:
        ValueError: ``kind`` is neither of the two.
        ImportError: nothing that is here or installed serves the model.
    """
    if kind not in ("llm", "embedding"):
        raise ValueError(f"kind must be 'llm' or 'embedding', not {kind!r}")
    native = None if prefer_litellm else _native_for(model)
    if native is None or kind not in native.classes:
        raise ImportError(
            f"no adapter of this version serves {model!r} as {kind!r}: it has native adapters "
            "for OpenAI (chat and embeddings) and Anthropic (chat), and none for LiteLLM yet"
        )
    module, _, name = native.classes[kind].partition(":")
    adapter: Callable[..., LLMProvider | EmbeddingProvider]
    adapter = getattr(importlib.import_module(module), name)
    return adapter(model, **kwargs)


def _native_for(model: str) -> _Native | None:
    prefix, slash, _ = model.partition("/")
    for native in _NATIVE:
        if prefix.lower() == native.prefix if slash else native.bare_names.match(model):
            return native
    return None
