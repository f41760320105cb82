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
    """Anything that went wrong between a caller and a provider.

    Inherits `Exception` and nothing else. ``str()`` of it says what happened; the SDK's own
    exception, where there is one, is its ``__cause__``.

    Source: the provider API reference, error taxonomy.
    """


class ProviderAuthError(ProviderError):
    """The credentials are missing or wrong, or do not allow the request.

    HTTP 401 and 403. Raised at construction when no key is passed or found. Never retried.

    Source: the provider API reference, error taxonomy.
    """


class ProviderRateLimitError(ProviderError):
    """The provider refuses more requests for now.

    HTTP 429, after the adapter's own retries. Pass ``retry_after`` on, or wait that long.

    Attributes:
        retry_after: seconds to wait, as the provider asked, never negative; ``None`` when it
            did not say.

    Source: the provider API reference, error taxonomy.
    """

    def __init__(self, message: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ProviderTimeoutError(ProviderError):
    """No answer arrived within the time allowed, retries included.

    Also HTTP 408. The ``timeout`` of the call, in seconds, or the adapter's own was over.

    Source: the provider API reference, error taxonomy.
    """


class ProviderInvalidRequestError(ProviderError):
    """The provider rejects the request as it is, and would again.

    HTTP 400, 404, 413, 422 and the other statuses from 400 to 499. Never retried.

    Source: the provider API reference, error taxonomy.
    """


class ProviderServiceError(ProviderError):
    """The provider failed, could not be reached, or answered something unreadable.

    HTTP 409 and 500 to 599, a refused or broken connection, and a reply that is truncated,
    of another format, or short of what was asked for.

    Source: the provider API reference, error taxonomy.
    """


class StructuredExtractionError(ProviderError):
    """No output of the model validated against the response model, or it refused.

    Attributes:
        last_attempts: the text of every attempt, in order.
        validation_errors: the `pydantic.ValidationError` of every attempt that was read, in
            order; one whose text was no whole JSON object has the error type ``json_invalid``.

    Source: the provider API reference, error taxonomy.
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
    """A vector index was made for vectors of another length than the provider gives.

    Raised by `llm.dimensions.check_index_dimensions` before anything is written.

    Attributes:
        expected_dimensions: length of the provider's vectors.
        actual_dimensions: length that the index was made for.
        index_name: the index.

    Source: the provider API reference, error taxonomy.
    """

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
