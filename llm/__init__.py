"""Provider-agnostic contracts for chat models and embedding models.

Applications import from here; adapters implement what is here. Importing this package
imports no SDK, and pydantic only when a name that needs it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llm.errors import (
        EmbeddingDimensionMismatchError,
        ProviderAuthError,
        ProviderError,
        ProviderInvalidRequestError,
        ProviderRateLimitError,
        ProviderServiceError,
        ProviderTimeoutError,
        StructuredExtractionError,
    )
    from llm.factory import from_provider
    from llm.protocols import EmbeddingProvider, LLMProvider, StructuredExtractor
    from llm.structured import schema_aligned_extract
    from llm.types import ChatMessage, Completion, Usage

__all__ = [
    "ChatMessage",
    "Completion",
    "EmbeddingDimensionMismatchError",
    "EmbeddingProvider",
    "LLMProvider",
    "ProviderAuthError",
    "ProviderError",
    "ProviderInvalidRequestError",
    "ProviderRateLimitError",
    "ProviderServiceError",
    "ProviderTimeoutError",
    "StructuredExtractionError",
    "StructuredExtractor",
    "Usage",
    "from_provider",
    "schema_aligned_extract",
]

_HOMES = {
    "llm.types": ("ChatMessage", "Completion", "Usage"),
    "llm.protocols": ("EmbeddingProvider", "LLMProvider", "StructuredExtractor"),
    "llm.factory": ("from_provider",),
    "llm.structured": ("schema_aligned_extract",),
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = next((module for module, names in _HOMES.items() if name in names), "llm.errors")
    value = globals()[name] = getattr(import_module(home), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
