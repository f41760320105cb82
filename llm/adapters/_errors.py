"""One translation of an SDK's exceptions into ours, for the call and for the parsing.

The OpenAI and the Anthropic SDK come from one generator and name their exceptions
alike; each adapter passes its SDK module, and everything else is here.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from types import ModuleType

from llm.errors import (
    ProviderAuthError,
    ProviderError,
    ProviderInvalidRequestError,
    ProviderRateLimitError,
    ProviderServiceError,
    ProviderTimeoutError,
)

_BY_STATUS: dict[int, type[ProviderError]] = {
    401: ProviderAuthError,
    403: ProviderAuthError,
    408: ProviderTimeoutError,
    409: ProviderServiceError,
    429: ProviderRateLimitError,
}


def error_class(status: int) -> type[ProviderError]:
    """The class of error that an HTTP status of 400 or more stands for."""
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return ProviderServiceError if status >= 500 else ProviderInvalidRequestError


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait, never negative; ``None`` when it does not say.

    Reads ``retry-after-ms``, then ``retry-after`` as seconds, then as an HTTP date.
    """
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers[name]) * unit
        except (KeyError, ValueError):
            continue
        if math.isfinite(seconds):
            return max(0.0, seconds)
    try:
        return max(0.0, parsedate_to_datetime(headers["retry-after"]).timestamp() - time.time())
    except (KeyError, ValueError, OverflowError):
        return None


@contextmanager
def translated(sdk: ModuleType) -> Iterator[None]:
    """Let nothing but `ProviderError` out, with what really happened as its cause.

    Wraps the call *and* the reading of its reply: a truncated or misshapen reply shows
    itself only when the adapter reaches into it, as any exception at all.
    """
    try:
        yield
    except ProviderError:
        raise
    except Exception as error:
        raise _translate(error, sdk) from error


def _translate(error: Exception, sdk: ModuleType) -> ProviderError:
    # A timeout is a connection error to the SDKs, so it is asked for first.
    if isinstance(error, sdk.APITimeoutError | TimeoutError):
        return ProviderTimeoutError(str(error) or "the request timed out")
    if isinstance(error, sdk.APIConnectionError):
        return ProviderServiceError(f"no connection to the provider: {error.__cause__ or error}")
    if isinstance(error, sdk.APIStatusError):
        return _from_status(error.status_code, error.response.headers, str(error))
    if isinstance(error, sdk.APIError):
        return ProviderServiceError(str(error))
    return ProviderServiceError(
        f"the provider's reply could not be read: {type(error).__name__}: {error}"
    )


def _from_status(status: int, headers: Mapping[str, str], message: str) -> ProviderError:
    kind = error_class(status)
    if kind is ProviderRateLimitError:
        return ProviderRateLimitError(message, retry_after=retry_after(headers))
    return kind(message)
