"""Error classes that whoever catches errors of a store would catch too."""


class StoreError(Exception):
    pass


class ProviderError(StoreError):
    pass


class ProviderAuthError(ProviderError):
    pass


class ProviderRateLimitError(ProviderError):
    def __init__(self, message: str, retry_after: object = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ProviderTimeoutError(ProviderError):
    pass


class ProviderInvalidRequestError(ProviderError):
    pass


class ProviderServiceError(ProviderError):
    pass


class StructuredExtractionError(ProviderError):
    def __init__(self, message: str, last_attempts: list[str], validation_errors: object) -> None:
        super().__init__(message)
        self.last_attempts = last_attempts
        self.validation_errors = validation_errors
