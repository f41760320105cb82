"""Error classes that are not ours: the contract is their names."""


class ProviderError(Exception):
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
