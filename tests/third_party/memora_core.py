"""The backends of `memora-core` 0.3.1, as they are.

Their constructors take no URL: the client that each keeps is replaced by one of the same class
that knows where the loopback server is.
"""

from __future__ import annotations

from typing import Any

import groq
import openai
import together
from memora.llm_backends import (
    AzureOpenAIBackendLLM,
    GroqBackendLLM,
    OpenAIBackendLLM,
    TogetherBackendLLM,
)

from tck import AdapterUnderTest, Endpoint


def _origin(endpoint: Endpoint) -> str:
    return endpoint.base_url.removesuffix("/v1")


def _openai(endpoint: Endpoint, *, max_retries: int = 0) -> Any:
    backend = OpenAIBackendLLM(api_key=endpoint.api_key, model="gpt-4o")
    backend.openai_client = openai.AsyncOpenAI(
        api_key=endpoint.api_key, base_url=endpoint.base_url, max_retries=max_retries
    )
    return backend


def _azure(endpoint: Endpoint, *, max_retries: int = 0) -> Any:
    client = openai.AsyncAzureOpenAI(
        api_key=endpoint.api_key,
        azure_endpoint=_origin(endpoint),
        api_version="2024-10-21",
        max_retries=max_retries,
    )
    return AzureOpenAIBackendLLM(client, model="gpt-4o")


def _groq(endpoint: Endpoint, *, max_retries: int = 0) -> Any:
    backend = GroqBackendLLM(api_key=endpoint.api_key)
    backend.groq_client = groq.AsyncGroq(
        api_key=endpoint.api_key, base_url=_origin(endpoint), max_retries=max_retries
    )
    return backend


def _together(endpoint: Endpoint, *, max_retries: int = 0) -> Any:
    backend = TogetherBackendLLM(api_key=endpoint.api_key)
    backend.together_client = together.AsyncTogether(
        api_key=endpoint.api_key, base_url=endpoint.base_url, max_retries=max_retries
    )
    return backend


ADAPTERS = [
    AdapterUnderTest(name=f"memora-core-{name}", backend=build, model="openai/gpt-4o")
    for name, build in {
        "openai": _openai,
        "azure": _azure,
        "groq": _groq,
        "together": _together,
    }.items()
]
