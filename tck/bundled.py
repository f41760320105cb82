"""The adapters that come with the kit, described to it like any other."""

from __future__ import annotations

from typing import Any

from llm import from_provider
from tck.adapter import AdapterUnderTest, Endpoint
from tck.resources import resource

_SEED = 7


def _openai(endpoint: Endpoint, **options: Any) -> Any:
    # The seed makes recordings repeatable, as far as a provider can.
    return from_provider(
        endpoint.model,
        api_key=endpoint.api_key,
        api_base=endpoint.base_url,
        seed=_SEED,
        **options,
    )


def _openai_embeddings(endpoint: Endpoint, **options: Any) -> Any:
    return from_provider(
        endpoint.model,
        kind="embedding",
        api_key=endpoint.api_key,
        api_base=endpoint.base_url,
        **options,
    )


def _anthropic(endpoint: Endpoint, **options: Any) -> Any:
    return from_provider(
        endpoint.model, api_key=endpoint.api_key, api_base=endpoint.base_url, **options
    )


BUNDLED: dict[str, AdapterUnderTest] = {
    adapter.name: adapter
    for adapter in (
        AdapterUnderTest(
            name="openai",
            chat=_openai,
            embedding=_openai_embeddings,
            wire="openai",
            model="openai/gpt-4.1-mini",
            embedding_model="openai/text-embedding-3-small",
            cassettes=resource("cassettes", "openai"),
        ),
        AdapterUnderTest(
            name="anthropic",
            chat=_anthropic,
            wire="anthropic",
            model="anthropic/claude-haiku-4-5",
            limits={"temperature": "the wire takes no sampling parameters any more"},
            cassettes=resource("cassettes", "anthropic"),
        ),
    )
}
