"""What every adapter over an SDK shares: a name, a key, clients, one way to call."""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from llm._translation import ErrorTable, translated
from llm.adapters._per_loop import PerLoop
from llm.adapters._retries import with_retries
from llm.errors import ProviderAuthError

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

C = TypeVar("C")
T = TypeVar("T")


class Adapter(Generic[C]):
    """A provider that calls through a client, one for each event loop.

    Args:
        model: the canonical name, ``provider/model``.
        client: makes a client.
        errors: what the SDK's exceptions become.
        timeout: seconds for a whole call; ``None`` sets no limit.
        max_retries: transport retries after a passing failure.
    """

    ignored_parameters: frozenset[str] = frozenset()
    """Parameters of ``complete`` that this model does not take, and is not sent."""

    def __init__(
        self,
        model: str,
        *,
        client: Callable[[], AbstractAsyncContextManager[C]],
        errors: ErrorTable,
        timeout: float | None,
        max_retries: int,
    ) -> None:
        self.model = model
        self._clients = PerLoop(client)
        self._errors = errors
        self._timeout = math.inf if timeout is None else timeout
        self._max_retries = max_retries

    def _deadline(self, timeout: float | None) -> float:
        """When a call that starts now must end, by the running loop's clock."""
        return asyncio.get_running_loop().time() + (self._timeout if timeout is None else timeout)

    async def _call(self, attempt: Callable[[C], Awaitable[T]], deadline: float) -> T:
        """Send a request and read its reply, once or, after passing failures, again."""

        async def send() -> T:
            with translated(self._errors):
                return await attempt(await self._clients.get())

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


def without_prefix(model: str, provider: str) -> str:
    """The name that reaches the wire: ``model`` without ``provider/``, in any case."""
    prefix = f"{provider}/"
    return model[len(prefix) :] if model.lower().startswith(prefix) else model


def key_for(model: str, api_key: str | None, *variables: str) -> str:
    """The key that was passed, or that an environment variable holds.

    Raises:
        ProviderAuthError: there is none.
    """
    key = next(filter(None, map(os.environ.get, variables)), None) if api_key is None else api_key
    if not key:
        raise ProviderAuthError(
            f"no key for {model}: pass api_key=… or set the environment variable "
            f"{' or '.join(variables)}"
        )
    return key


def client_options(key: str, api_base: str | None) -> Mapping[str, Any]:
    """Arguments that the clients of the OpenAI and the Anthropic SDK share.

    The deadline and the retries are ours, so they have neither.
    """
    return {"api_key": key, "base_url": api_base, "timeout": None, "max_retries": 0}
