"""`from_provider`: a provider from the name of its model."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, overload

from llm.defaults import HUGGING_FACE_DIMENSIONS
from llm.protocols import EmbeddingProvider, LLMProvider

Kind = Literal["llm", "embedding"]
Build = Callable[..., LLMProvider | EmbeddingProvider]

ENTRY_POINTS: dict[Kind, str] = {"llm": "llm.providers", "embedding": "llm.embedding_providers"}
"""Groups in which a distribution registers its own adapters: prefix to ``module:class``."""


@dataclass(frozen=True)
class _Native:
    """One native adapter: which names it serves, which SDK it needs, where its classes are."""

    prefix: str
    bare_names: re.Pattern[str]
    sdk: str
    classes: dict[Kind, str]


_NATIVE = (
    _Native(
        prefix="openai",
        bare_names=re.compile(r"(gpt-|chatgpt-|o\d|text-embedding-|ft:(gpt-|o\d))", re.IGNORECASE),
        sdk="openai",
        classes={
            "llm": "llm.adapters.openai:OpenAIProvider",
            "embedding": "llm.adapters.openai:OpenAIEmbeddingProvider",
        },
    ),
    _Native(
        prefix="anthropic",
        bare_names=re.compile(r"claude-", re.IGNORECASE),
        sdk="anthropic",
        classes={"llm": "llm.adapters.anthropic:AnthropicProvider"},
    ),
)
_LITELLM: dict[Kind, str] = {
    "llm": "llm.adapters.litellm:LiteLLMProvider",
    "embedding": "llm.adapters.litellm:LiteLLMEmbeddingProvider",
}
_SENTENCE_TRANSFORMERS = "llm.adapters.sentence_transformers:SentenceTransformersProvider"
_NAMESPACES = {model.partition("/")[0].lower() for model in HUGGING_FACE_DIMENSIONS}


@overload
def from_provider(
    model: str, *, kind: Literal["llm"] = "llm", prefer_litellm: bool = False, **kwargs: Any
) -> LLMProvider: ...


@overload
def from_provider(
    model: str, *, kind: Literal["embedding"], prefer_litellm: bool = False, **kwargs: Any
) -> EmbeddingProvider: ...


def from_provider(
    model: str, *, kind: Kind = "llm", prefer_litellm: bool = False, **kwargs: Any
) -> LLMProvider | EmbeddingProvider:
    """Build the adapter that serves ``model``.

    The first of these that serves it: a native adapter whose SDK is installed, an adapter
    that another distribution registered for the prefix, sentence-transformers for the
    embedding models of Hugging Face, and LiteLLM for everything else.

    Args:
        model: ``provider/model`` (the prefix in any case), a bare name of OpenAI's or
            Anthropic's families (``gpt-…``, ``o3``, ``ft:gpt-…``, ``text-embedding-…``,
            ``claude-…``), or, for embeddings, a Hugging Face id (``BAAI/bge-m3``), a model
            of sentence-transformers (``all-MiniLM-L6-v2``) or a folder that holds one.
        kind: ``"llm"`` for a chat model, ``"embedding"`` for an embedding model.
        prefer_litellm: take LiteLLM even where another adapter serves the model.
        kwargs: passed to the adapter unchanged (``api_key``, ``api_base``, ``timeout``, …).

    Raises:
        ValueError: ``kind`` is neither of the two, or LiteLLM knows no such provider.
        ImportError: what serves the model is not installed; the message is the command
            that installs it.

    Source: the provider API reference, ``from_provider``.
    """
    if kind not in ("llm", "embedding"):
        raise ValueError(f"kind must be 'llm' or 'embedding', not {kind!r}")
    build = _litellm(model, kind) if prefer_litellm else _adapter(model, kind)
    return build(model, **kwargs)


def _adapter(model: str, kind: Kind) -> Build:
    native = _native(model)
    if native is not None and kind in native.classes:
        # LiteLLM serves these too, and is better than nothing.
        if find_spec(native.sdk) is None and find_spec("litellm") is not None:
            return _litellm(model, kind)
        return _load(native.classes[kind])
    registered = _registered(model, kind)
    if registered is not None:
        return registered
    if kind == "embedding" and _is_hugging_face(model):
        return _load(_SENTENCE_TRANSFORMERS)
    return _litellm(model, kind)


def _native(model: str) -> _Native | None:
    prefix, slash, _ = model.partition("/")
    for native in _NATIVE:
        if prefix.lower() == native.prefix if slash else native.bare_names.match(model):
            return native
    return None


def _registered(model: str, kind: Kind) -> Build | None:
    prefix, slash, _ = model.partition("/")
    found = [entry for entry in entry_points(group=ENTRY_POINTS[kind]) if slash]
    found = [entry for entry in found if entry.name.lower() == prefix.lower()]
    if len({entry.value for entry in found}) > 1:
        raise ImportError(
            f"several distributions register {prefix!r}: "
            + " and ".join(_origin(entry) for entry in found)
            + "; uninstall all but one"
        )
    if not found:
        return None
    try:
        build: Build = found[0].load()
    except Exception as error:
        raise ImportError(f"{_origin(found[0])} cannot be loaded: {error}") from error
    return build


def _origin(entry: EntryPoint) -> str:
    return f"{entry.value} of {entry.dist.name if entry.dist else 'an unknown distribution'}"


def _is_hugging_face(model: str) -> bool:
    """Whether sentence-transformers can load it, judged by what it is.

    A publisher of embedding models, or a folder with a model in it. An unknown prefix
    may as well be a provider of LiteLLM.
    """
    prefix, slash, _ = model.partition("/")
    if (Path(model) / "modules.json").is_file():
        return True
    if not slash:
        return f"sentence-transformers/{model}".lower() in map(str.lower, HUGGING_FACE_DIMENSIONS)
    # LiteLLM's provider for Snowflake differs from the publisher by one capital.
    return prefix.lower() in _NAMESPACES and prefix != "snowflake"


def _litellm(model: str, kind: Kind) -> Build:
    if find_spec("litellm") is None:
        raise ImportError(
            f"no installed package serves {model!r} as {kind!r}: python -m pip install litellm",
            name="litellm",
        )
    return _load(_LITELLM[kind])


def _load(place: str) -> Build:
    module, _, name = place.partition(":")
    build: Build = getattr(importlib.import_module(module), name)
    return build
