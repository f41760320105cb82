"""The errors that a provider raises, whatever SDK is behind it.

Exception
└── ProviderError
    ├── ProviderAuthError                 the key is missing, wrong or not allowed this
    ├── ProviderRateLimitError            too many requests; `retry_after` in seconds
    ├── ProviderTimeoutError              no answer within the caller's `timeout`
    ├── ProviderInvalidRequestError       the request is at fault; sending it again is no use
    ├── ProviderServiceError              the provider or the network is at fault
    ├── StructuredExtractionError         the model never wrote what the response model wants
    └── EmbeddingDimensionMismatchError   a store's index and the provider disagree

The SDK's own exception is the ``__cause__``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any


class ProviderError(Exception):
    """Anything that went wrong between a caller and a provider."""


class ProviderAuthError(ProviderError):
    """The credentials are missing or wrong, or do not allow the request (401, 403)."""


class ProviderRateLimitError(ProviderError):
    """The provider refuses more requests for now (429).

    Attributes:
        retry_after: seconds to wait, as the provider asked; ``None`` when it did not say.
    """

    def __init__(self, message: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ProviderTimeoutError(ProviderError):
    """No answer arrived within the time allowed, retries included."""


class ProviderInvalidRequestError(ProviderError):
    """The provider rejects the request as it is (400, 404, 422 and their like)."""


class ProviderServiceError(ProviderError):
    """The provider failed (5xx), could not be reached, or answered something unreadable."""


class StructuredExtractionError(ProviderError):
    """The model's output never validated against the response model.

    Attributes:
        last_attempts: the text of every attempt, in order.
        validation_errors: the pydantic errors of the attempts.
    """

    def __init__(
        self,
        message: str = "",
        *,
        last_attempts: Sequence[str] = (),
        validation_errors: Sequence[Exception] = (),
    ) -> None:
        super().__init__(message)
        self.last_attempts = list(last_attempts)
        self.validation_errors = list(validation_errors)


class EmbeddingDimensionMismatchError(ProviderError):
    """A vector index was made for vectors of another length than the provider gives."""

    def __init__(
        self,
        message: str,
        *,
        expected_dimensions: int,
        actual_dimensions: int,
        index_name: str,
    ) -> None:
        super().__init__(message)
        self.expected_dimensions = expected_dimensions
        self.actual_dimensions = actual_dimensions
        self.index_name = index_name

    def __reduce__(self) -> tuple[Callable[..., EmbeddingDimensionMismatchError], tuple[Any, ...]]:
        # Exceptions are unpickled from `args` alone, which hold no keyword arguments.
        rebuild = functools.partial(
            type(self),
            expected_dimensions=self.expected_dimensions,
            actual_dimensions=self.actual_dimensions,
            index_name=self.index_name,
        )
        return rebuild, self.args
