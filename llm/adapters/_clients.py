"""SDK clients that outlive no event loop.

An HTTP client holds connections of the loop that it first ran in, and fails in any
other. So a provider that is used in several loops, one after another or in threads,
has one client for each.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar
from weakref import WeakKeyDictionary


class Closable(Protocol):
    async def close(self) -> None: ...


C = TypeVar("C", bound=Closable)


class ClientPerLoop(Generic[C]):
    """Builds a client at the first use in each event loop."""

    def __init__(self, build: Callable[[], C]) -> None:
        self._build = build
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, C] = WeakKeyDictionary()
        self._lock = threading.Lock()

    def get(self) -> C:
        """The client of the running loop."""
        loop = asyncio.get_running_loop()
        with self._lock:
            if loop not in self._clients:
                self._clients[loop] = self._build()
            return self._clients[loop]

    async def aclose(self) -> None:
        """Close the client of the running loop; those of other loops are theirs to close."""
        with self._lock:
            client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.close()
