"""Error classes that whoever catches errors of a store would catch too."""

from tests.mutants import taxonomy


class StoreError(Exception):
    pass


class ProviderError(taxonomy.ProviderError, StoreError):
    pass


class ProviderAuthError(taxonomy.ProviderAuthError, ProviderError):
    pass


class ProviderRateLimitError(taxonomy.ProviderRateLimitError, ProviderError):
    pass


class ProviderTimeoutError(taxonomy.ProviderTimeoutError, ProviderError):
    pass


class ProviderInvalidRequestError(taxonomy.ProviderInvalidRequestError, ProviderError):
    pass


class ProviderServiceError(taxonomy.ProviderServiceError, ProviderError):
    pass


class StructuredExtractionError(taxonomy.StructuredExtractionError, ProviderError):
    pass
