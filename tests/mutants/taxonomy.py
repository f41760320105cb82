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
