"""One deadline for a call and its few retries.

The SDKs retry by themselves, sleep for whatever ``retry-after`` says, and apply their
timeout to each attempt. A call that must meet a deadline owns its retries instead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)

from llm._translation import reply_behind, retry_after
from llm.errors import ProviderError, ProviderServiceError, ProviderTimeoutError

T = TypeVar("T")

DEFAULT_TIMEOUT = 60.0
"""Seconds for a whole call, by default."""
DEFAULT_MAX_RETRIES = 2

_backoff = wait_random_exponential(multiplier=0.5, min=0.25, max=8.0)


async def with_retries(send: Callable[[], Awaitable[T]], *, deadline: float, max_retries: int) -> T:
    """Await ``send()`` until it succeeds, at most ``max_retries + 1`` times.

    Args:
        send: one attempt, raising only `ProviderError`.
        deadline: when everything must be over, by the running loop's clock. A server that
            asks to wait beyond it gets no further attempt: its error is raised at once.
        max_retries: attempts after the first.

    Raises:
        ProviderTimeoutError: the time was up.
        ProviderError: as the last attempt raised it.
    """
    left = max(0.0, deadline - asyncio.get_running_loop().time())
    attempts = AsyncRetrying(
        retry=retry_if_exception(_may_pass),
        wait=_pause,
        stop=stop_after_attempt(max_retries + 1) | stop_before_delay(left),
        reraise=True,
    )
    try:
        async with asyncio.timeout_at(deadline):
            return await attempts(send)
    except TimeoutError as error:
        raise ProviderTimeoutError(f"no answer within {left:.3g} s") from error


def _may_pass(error: BaseException) -> bool:
    """Whether the same request may succeed when it is sent again."""
    if not isinstance(error, ProviderError):
        return False
    reply = reply_behind(error)
    if reply is None:
        # The SDKs' exceptions of a lost connection carry the request, and no response.
        return isinstance(error, ProviderServiceError) and hasattr(error.__cause__, "request")
    verdict = reply.headers.get("x-should-retry")
    if verdict in ("true", "false"):
        return verdict == "true"
    return reply.status in (408, 409, 429) or reply.status >= 500


def _pause(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    reply = reply_behind(error) if isinstance(error, ProviderError) else None
    asked = retry_after(reply.headers) if reply else None
    return _backoff(state) if asked is None else asked
