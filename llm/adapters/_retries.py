"""One deadline for a call and its few retries.

The SDKs retry by themselves, sleep for whatever ``retry-after`` says, and apply their
timeout to each attempt. A call that must meet a deadline owns its retries instead.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any, TypeVar

from llm.adapters._errors import retry_after
from llm.errors import ProviderError, ProviderServiceError, ProviderTimeoutError

T = TypeVar("T")

DEFAULT_TIMEOUT = 60.0
"""Seconds for a whole call when nobody says otherwise."""
DEFAULT_MAX_RETRIES = 2

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 8.0


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
    clock = asyncio.get_running_loop().time
    start = clock()
    for attempt in count():
        try:
            async with asyncio.timeout_at(deadline):
                return await send()
        except TimeoutError as error:
            raise ProviderTimeoutError(f"no answer within {deadline - start:.3g} s") from error
        except ProviderError as error:
            pause = _pause_before_retry(error, attempt)
            if attempt >= max_retries or pause is None or clock() + pause >= deadline:
                raise
        await asyncio.sleep(pause)
    raise AssertionError("unreachable")  # pragma: no cover


def _pause_before_retry(error: ProviderError, attempt: int) -> float | None:
    """Seconds to wait before the next attempt, ``None`` when another would be no use."""
    response: Any = getattr(error.__cause__, "response", None)
    if response is None:
        lost_connection = isinstance(error, ProviderServiceError) and hasattr(
            error.__cause__, "request"
        )
        return _backoff(attempt) if lost_connection else None
    verdict = response.headers.get("x-should-retry")
    passing = response.status_code in (408, 409, 429) or response.status_code >= 500
    if verdict == "false" or (verdict != "true" and not passing):
        return None
    asked = retry_after(response.headers)
    return _backoff(attempt) if asked is None else asked


def _backoff(attempt: int) -> float:
    jitter = random.uniform(0.75, 1.0)  # noqa: S311 - spreads clients out, hides nothing
    return jitter * min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0**attempt)
