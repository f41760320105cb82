"""Building an adapter's providers with its own factories, and closing them."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from tck.adapter import Endpoint
from tck.verdicts import NotVerified

RELEASE_LIMIT = 5.0
"""Seconds that a provider has to close, before it is left as it is."""


def build(
    factory: Callable[..., Any],
    endpoint: Endpoint,
    required: Mapping[str, Any] | None = None,
    preferred: Mapping[str, Any] | None = None,
) -> Any:
    """Call a factory, leaving out the preferred options that it does not know.

    Args:
        factory: of an `AdapterUnderTest`.
        endpoint: where the provider is to send its requests.
        required: constructor arguments without which nothing can be found out.
        preferred: constructor arguments that only make it quicker.

    Raises:
        NotVerified: the factory does not take a required option.
        BaseException: whatever else the factory raises.
    """
    options = {**(required or {}), **(preferred or {})}
    while True:
        try:
            return factory(endpoint, **options)
        except TypeError as error:
            unknown = next((name for name in options if _refuses(error, name)), None)
            if unknown is None:
                raise
            if unknown in (required or {}):
                raise NotVerified(
                    f"the factory does not take {unknown}=",
                    "let it pass its options on to the constructor",
                    cause=f"option:{unknown}",
                ) from error
            del options[unknown]


def _refuses(error: TypeError, option: str) -> bool:
    return "unexpected keyword argument" in str(error) and f"'{option}'" in str(error)


async def release(provider: object) -> None:
    """Close a provider that can be closed; how well it does so is for its own checks."""
    try:
        async with asyncio.timeout(RELEASE_LIMIT):
            for name in ("aclose", "close"):
                close = getattr(provider, name, None)
                if callable(close):
                    closing = close()
                    if inspect.isawaitable(closing):
                        await closing
                    return
    except BaseException as error:  # noqa: BLE001 - its own checks tell it
        pass_on(error)


def pass_on(error: BaseException) -> None:
    """Raise what is meant for us: Ctrl-C, or the cancellation of our own task.

    Anything else out of an adapter's call is the adapter's own, `SystemExit` and a
    `CancelledError` that nobody asked for included.
    """
    if isinstance(error, KeyboardInterrupt):
        raise error
    task = _current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError from error


def _current_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:  # no loop runs here
        return None
