"""Clients that outlive no event loop.

An HTTP client holds connections of the loop that it first ran in, and fails in any
other. So a provider that is used in several loops, one after another or in threads,
has one client for each.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Generic, TypeVar

C = TypeVar("C")


class PerLoop(Generic[C]):
    """Opens a client at the first use in each event loop.

    The client is held by a generator that was started in its loop. So it is closed by
    `aclose` or, where nobody calls that, when the loop shuts its generators down, as
    `asyncio.run` makes it do: no connection outlives its loop.

    Args:
        client: makes a client, which is entered without waiting for anything. It must not
            be a generator, which the loop would shut down by itself.
    """

    def __init__(self, client: Callable[[], AbstractAsyncContextManager[C]]) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._held: dict[asyncio.AbstractEventLoop, tuple[AsyncGenerator[C, None], C]] = {}

    async def get(self) -> C:
        """The client of the running loop."""
        loop = asyncio.get_running_loop()
        with self._lock:
            held = self._held.get(loop)
        if held is None:
            holder = self._hold(loop)
            held = holder, await anext(holder)
            with self._lock:
                # A loop that was closed by hand has not shut its generators down.
                for closed in [other for other in self._held if other.is_closed()]:
                    del self._held[closed]
                self._held[loop] = held
        return held[1]

    async def aclose(self) -> None:
        """Close the client of the running loop; those of other loops are theirs to close."""
        with self._lock:
            held = self._held.get(asyncio.get_running_loop())
        if held is not None:
            await held[0].aclose()

    async def _hold(self, loop: asyncio.AbstractEventLoop) -> AsyncGenerator[C, None]:
        try:
            async with self._client() as client:
                yield client
        finally:
            with self._lock:
                self._held.pop(loop, None)
