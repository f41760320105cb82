"""Translates the exceptions of any SDK into ours, for the call and for the parsing.

Each adapter has a table of its SDK's exceptions; everything else is here.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import Any, Literal, NamedTuple

from llm.errors import (
    ProviderAuthError,
    ProviderError,
    ProviderInvalidRequestError,
    ProviderRateLimitError,
    ProviderServiceError,
    ProviderTimeoutError,
)

ErrorTable = Mapping[str, type[ProviderError] | Literal["by status"]]
"""What the exceptions of an SDK become, by the names of their classes.

An exception is what its nearest ancestor in the table is; ``"by status"`` leaves it to the
HTTP status that it carries. One without an ancestor there came from reading the reply.
"""

_BY_STATUS: dict[int, type[ProviderError]] = {
    401: ProviderAuthError,
    403: ProviderAuthError,
    408: ProviderTimeoutError,
    409: ProviderServiceError,
    429: ProviderRateLimitError,
}


class HttpReply(NamedTuple):
    """What an exception tells of the response that it stands for."""

    status: int
    headers: Mapping[str, str]
    """By names in lower case."""


def error_class(status: int) -> type[ProviderError]:
    """The class of error that an HTTP status of 400 or more stands for."""
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return ProviderServiceError if status >= 500 else ProviderInvalidRequestError


def reply_behind(error: ProviderError) -> HttpReply | None:
    """The response that a translated error stands for; ``None`` when there was none."""
    reply: HttpReply | None = vars(error).get("_reply")
    return reply


def _http_reply(error: BaseException, outer: BaseException | None) -> HttpReply | None:
    """What the server said, by the innermost exception that knows.

    Those around it may only interpret its message: LiteLLM takes any error whose text
    mentions a rate limit for a 429.
    """
    found = None
    for link in _chain(error, outer):
        response: Any = getattr(link, "response", None)
        status = getattr(link, "status_code", None) or getattr(response, "status_code", None)
        if isinstance(status, int) and status >= 400:
            # LiteLLM makes a response of its own, and keeps the headers of the real one apart.
            headers = getattr(link, "litellm_response_headers", None) or getattr(
                response, "headers", {}
            )
            lower = {str(name).lower(): headers[name] for name in headers}
            found = HttpReply(status, lower or (found.headers if found else {}))
    return found


def _chain(error: BaseException, outer: BaseException | None) -> Iterator[BaseException]:
    """An exception and its causes, up to one that was handled before the call."""
    link: BaseException | None = error
    while link is not None and link is not outer:
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


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
def translated(table: ErrorTable) -> Iterator[None]:
    """Let nothing but `ProviderError` out, with what really happened as its cause.

    Wraps the call *and* the reading of its reply: a truncated or misshapen reply shows
    itself only when the adapter reaches into it, as any exception at all.
    """
    outer = sys.exception()
    try:
        yield
    except ProviderError:
        raise
    except Exception as error:
        raise _translate(error, table, _http_reply(error, outer)) from error


def _entry(
    error: BaseException | None, table: ErrorTable
) -> type[ProviderError] | Literal["by status"] | None:
    return next((table[c.__name__] for c in type(error).__mro__ if c.__name__ in table), None)


def _translate(error: Exception, table: ErrorTable, reply: HttpReply | None) -> ProviderError:
    translation = _translation(error, table, reply)
    vars(translation)["_reply"] = reply
    return translation


def _translation(error: Exception, table: ErrorTable, reply: HttpReply | None) -> ProviderError:
    # Hugging Face wraps what it means in an OSError.
    kind = _entry(error.__cause__, table) or _entry(error, table)
    if kind is None and isinstance(error, TimeoutError):
        kind = ProviderTimeoutError
    if kind is None and reply is None:
        return ProviderServiceError(
            f"the provider's reply could not be read: {type(error).__name__}: {error}"
        )
    if kind is None or kind == "by status":
        kind = ProviderServiceError if reply is None else error_class(reply.status)
    message = str(error) or type(error).__name__
    if kind is ProviderRateLimitError:
        return ProviderRateLimitError(message, retry_after=reply and retry_after(reply.headers))
    # An SDK says no more than "Connection error."; what it was is in the cause.
    return kind(f"{message} ({error.__cause__})" if error.__cause__ else message)
