"""Provider-agnostic contracts for chat models and embedding models.

Applications import from here; adapters implement what is here. Importing this
package imports no SDK.
"""

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
]
