"""Five services as backends: each is a provider with the URL of the service.

    backend = groq()
    text = await backend([{"role": "user", "content": "Say hello."}])
    await backend.close()

Every function reads its key from the environment variable that the service's own
documentation names.
"""

import os
from typing import Any

from llm.adapters.anthropic import AnthropicProvider
from llm.adapters.openai import OpenAIProvider
from llm.backends import ProviderBackendLLM


def openai(model: str = "gpt-4.1-mini", **options: Any) -> ProviderBackendLLM:
    """OpenAI: ``OPENAI_API_KEY``."""
    return ProviderBackendLLM(OpenAIProvider(model, **options), temperature=0.7, max_tokens=1024)


def azure_openai(
    deployment: str = "gpt-4.1-mini", *, api_base: str | None = None, **options: Any
) -> ProviderBackendLLM:
    """Azure OpenAI: ``AZURE_OPENAI_API_KEY`` and ``AZURE_OPENAI_ENDPOINT``."""
    provider = OpenAIProvider(
        deployment,
        api_base=api_base or os.environ["AZURE_OPENAI_ENDPOINT"],
        api_version="2024-10-21",
        **options,
    )
    return ProviderBackendLLM(provider, temperature=0.7, max_tokens=1024)


def groq(
    model: str = "llama-3.3-70b-versatile",
    *,
    api_key: str | None = None,
    api_base: str = "https://api.groq.com/openai/v1",
    **options: Any,
) -> ProviderBackendLLM:
    """Groq: ``GROQ_API_KEY``."""
    key = api_key or os.environ["GROQ_API_KEY"]
    provider = OpenAIProvider(model, api_key=key, api_base=api_base, **options)
    return ProviderBackendLLM(provider, temperature=0.7, max_tokens=1024)


def together(
    model: str = "meta-llama/Llama-3.3-70B-Instruct-Turbo",
    *,
    api_key: str | None = None,
    api_base: str = "https://api.together.xyz/v1",
    **options: Any,
) -> ProviderBackendLLM:
    """Together AI: ``TOGETHER_API_KEY``."""
    key = api_key or os.environ["TOGETHER_API_KEY"]
    provider = OpenAIProvider(model, api_key=key, api_base=api_base, **options)
    return ProviderBackendLLM(provider, temperature=0.7, max_tokens=1024)


def anthropic(model: str = "claude-haiku-4-5", **options: Any) -> ProviderBackendLLM:
    """Anthropic, which takes no temperature: ``ANTHROPIC_API_KEY``."""
    return ProviderBackendLLM(AnthropicProvider(model, **options), max_tokens=1024)
