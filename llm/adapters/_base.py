"""What every adapter over an SDK shares: a name, a key, clients, one way to call."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from llm.adapters._clients import ClientPerLoop, Closable
from llm.adapters._errors import translated
from llm.adapters._extras import import_sdk
from llm.adapters._retries import with_retries
from llm.errors import ProviderAuthError

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

C = TypeVar("C", bound=Closable)
T = TypeVar("T")


class SdkAdapter(Generic[C]):
    """A provider behind an SDK whose clients take a key, a base URL, and retries.

    Args:
        provider: the prefix of its models, the SDK's module and extra, and, in capitals,
            the first part of the environment variable of its key.
        client: the name of the SDK's asynchronous client class.

    Raises:
        ProviderAuthError: no key was passed or found.
        ImportError: the SDK is not installed.
    """

    def __init__(
        self,
        model: str,
        *,
        provider: str,
        client: str,
        api_key: str | None,
        api_base: str | None,
        timeout: float,
        max_retries: int,
    ) -> None:
        self._sdk = import_sdk(provider)
        prefix = f"{provider}/"
        self._wire_model = model[len(prefix) :] if model.lower().startswith(prefix) else model
        self.model = prefix + self._wire_model
        variable = f"{provider.upper()}_API_KEY"
        key = api_key or os.environ.get(variable)
        if not key:
            raise ProviderAuthError(
                f"no key for {self.model}: pass api_key=… or set the environment variable "
                f"{variable}"
            )
        self._timeout = timeout
        self._max_retries = max_retries

        def build() -> C:
            built: C = getattr(self._sdk, client)(
                api_key=key, base_url=api_base, timeout=None, max_retries=0
            )
            return built

        self._clients = ClientPerLoop(build)

    def _deadline(self, timeout: float | None) -> float:
        """When a call that starts now must end, by the running loop's clock."""
        return asyncio.get_running_loop().time() + (self._timeout if timeout is None else timeout)

    async def _call(self, attempt: Callable[[C], Awaitable[T]], deadline: float) -> T:
        """Send a request and read its reply, once or, after passing failures, again."""

        async def send() -> T:
            with translated(self._sdk):
                return await attempt(self._clients.get())

        return await with_retries(send, deadline=deadline, max_retries=self._max_retries)

    async def aclose(self) -> None:
        """Close the connections of the running event loop. Harmless when repeated."""
        await self._clients.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()
