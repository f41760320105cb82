"""The adapters of `neo4j-agent-memory` 0.8.0 for LiteLLM, as they are.

LiteLLM is told to use the table of prices that it ships. Otherwise it fetches one when it is
imported, and again from a thread: the kit blocks that, and holds it against the adapter, whose
grade it withholds.
"""

from __future__ import annotations

import os
from typing import Any

from neo4j_agent_memory.llm.adapters.litellm import LiteLLMEmbeddingProvider, LiteLLMProvider

from tck import AdapterUnderTest, Endpoint

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")


def _where(endpoint: Endpoint) -> dict[str, Any]:
    return {"api_key": endpoint.api_key, "api_base": endpoint.base_url}


litellm = AdapterUnderTest(
    name="neo4j-agent-memory-litellm",
    chat=lambda endpoint, **options: LiteLLMProvider(endpoint.model, **_where(endpoint), **options),
    embedding=lambda endpoint, **options: LiteLLMEmbeddingProvider(
        endpoint.model, **_where(endpoint), **options
    ),
    errors="neo4j_agent_memory.llm.errors",
    model="openai/gpt-4.1-mini",
    embedding_model="openai/text-embedding-3-small",
)

ADAPTERS = [litellm]
