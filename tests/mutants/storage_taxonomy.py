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
