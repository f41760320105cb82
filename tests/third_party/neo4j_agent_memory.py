"""The adapters of `neo4j-agent-memory` 0.8.0, as they are."""

from __future__ import annotations

from typing import Any

from neo4j_agent_memory.llm.adapters.anthropic import AnthropicProvider
from neo4j_agent_memory.llm.adapters.openai import OpenAIEmbeddingProvider, OpenAIProvider

from tck import AdapterUnderTest, Endpoint

ERRORS = "neo4j_agent_memory.llm.errors"


def _where(endpoint: Endpoint) -> dict[str, Any]:
    return {"api_key": endpoint.api_key, "api_base": endpoint.base_url}


openai = AdapterUnderTest(
    name="neo4j-agent-memory-openai",
    chat=lambda endpoint, **options: OpenAIProvider(endpoint.model, **_where(endpoint), **options),
    embedding=lambda endpoint, **options: OpenAIEmbeddingProvider(
        endpoint.model, **_where(endpoint), **options
    ),
    errors=ERRORS,
    model="openai/gpt-4.1-mini",
    embedding_model="openai/text-embedding-3-small",
)
anthropic = AdapterUnderTest(
    name="neo4j-agent-memory-anthropic",
    chat=lambda endpoint, **options: AnthropicProvider(
        endpoint.model, **_where(endpoint), **options
    ),
    wire="anthropic",
    errors=ERRORS,
    model="anthropic/claude-haiku-4-5",
    limits={"temperature": "the SDK takes no sampling parameters any more"},
)

ADAPTERS = [openai, anthropic]
