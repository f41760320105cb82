"""The contract of a backend."""

from abc import ABC, abstractmethod
from typing import Any

from pydantic import BaseModel


class BaseBackendLLM(ABC):
    """A chat model with its parameters, which answers whole: nothing is streamed.

    Source: the backend interface.
    """

    @property
    @abstractmethod
    def get_model_kwargs(self) -> dict[str, Any]:
        """What every request carries: ``model``, ``temperature``, ``stream: False``, ….

        A new JSON-serialisable dict each time, without secrets.
        """

    @abstractmethod
    async def __call__(
        self,
        messages: list[dict[str, str]],
        output_schema_model: type[BaseModel] | None = None,
    ) -> str | BaseModel:
        """Answer a conversation.

        Args:
            messages: ``{"role": …, "content": …}`` each, oldest first; not changed.
            output_schema_model: what the answer must validate as.

        Returns:
            The text, or an instance of ``output_schema_model`` when one is given.

        Raises:
            Exception: whatever goes wrong, an answer that does not fit among it; ``None``
                or the text of an error is never returned.
        """

    @abstractmethod
    async def close(self) -> None:
        """Release the connections. Harmless when repeated."""
