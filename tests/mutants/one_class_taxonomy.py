"""Error classes that are all one class, so that every error is of the right one."""

from typing import Any

from tests.mutants import taxonomy


class ProviderError(taxonomy.StructuredExtractionError):
    def __init__(self, message: str, first: Any = None, problems: object = ()) -> None:
        super().__init__(message, first, problems)
        self.retry_after = first


ProviderAuthError = ProviderError
ProviderRateLimitError = ProviderError
ProviderTimeoutError = ProviderError
ProviderInvalidRequestError = ProviderError
ProviderServiceError = ProviderError
StructuredExtractionError = ProviderError
