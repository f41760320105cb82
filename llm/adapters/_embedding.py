"""What every adapter that embeds does: batches, and checks of what came back."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

from llm._translation import ErrorTable
from llm.adapters._base import Adapter
from llm.defaults import lookup_embedding_dimensions
from llm.errors import ProviderServiceError

C = TypeVar("C")

Numbered = Iterable[tuple[int, Sequence[float]]]
"""Vectors, each with the number of its text."""


class EmbeddingAdapter(Adapter[C]):
    """An embedding provider that asks for one batch of texts after another.

    Args:
        model, client, errors, timeout, max_retries: as for `Adapter`.
        dimensions: as the caller passed it.
        batch_size: the most texts in one request.

    Raises:
        ValueError: the model's dimensions are not known and were not passed.
    """

    def __init__(
        self,
        model: str,
        *,
        dimensions: int | None,
        batch_size: int,
        client: Callable[[], AbstractAsyncContextManager[C]],
        errors: ErrorTable,
        timeout: float | None,
        max_retries: int,
    ) -> None:
        super().__init__(
            model, client=client, errors=errors, timeout=timeout, max_retries=max_retries
        )
        self.dimensions: int = wanted_dimensions(model, dimensions)
        self._batch_size = batch_size

    @property
    def _differs_from_default(self) -> bool:
        """Whether the model gives vectors of another length by default."""
        return lookup_embedding_dimensions(self.model) not in (None, self.dimensions)

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """See `llm.EmbeddingProvider.embed`. More texts than a batch take several requests."""
        deadline = self._deadline(None)
        vectors: list[list[float]] = []
        for batch in batches(texts, self._batch_size):

            async def attempt(client: C, batch: list[str] = batch) -> list[list[float]]:
                found = await self._request(client, batch)
                return ordered(found, len(batch), self.dimensions, self.model)

            vectors += await self._call(attempt, deadline)
        return vectors

    async def embed_one(self, text: str) -> list[float]:
        """See `llm.EmbeddingProvider.embed_one`."""
        return (await self.embed([text]))[0]

    @abstractmethod
    async def _request(self, client: C, texts: list[str]) -> Numbered:
        """Ask for the vectors of one batch."""


def wanted_dimensions(model: str, dimensions: int | None) -> int:
    """The length that vectors of ``model`` have: as asked for, or as it is known.

    Raises:
        ValueError: it is neither asked for nor known, or not positive.
    """
    wanted = lookup_embedding_dimensions(model) if dimensions is None else dimensions
    if wanted is None:
        raise ValueError(f"the length of the vectors of {model!r} is not known: pass dimensions=…")
    if wanted <= 0:
        raise ValueError(f"dimensions must be positive, not {wanted}")
    return wanted


def batches(texts: Sequence[str], largest: int) -> list[list[str]]:
    """The texts of a call, at most ``largest`` together.

    Raises:
        TypeError: it is one text, which would be embedded letter by letter.
    """
    if isinstance(texts, str):
        raise TypeError("embed() takes a sequence of texts; for one text use embed_one()")
    return [list(texts[start : start + largest]) for start in range(0, len(texts), largest)]


def ordered(vectors: Numbered, texts: int, dimensions: int, model: str) -> list[list[float]]:
    """Vectors in the order of their texts.

    Args:
        vectors: each with the number of its text: the wires promise no order.
        texts: how many there must be.
        dimensions: how long each must be.
        model: whose they are, for the message.

    Raises:
        ProviderServiceError: there are more or fewer, they are longer or shorter, or a
            number is not finite.
    """
    found = list(vectors)
    by_index = dict(found)
    if len(found) != texts or by_index.keys() != set(range(texts)):
        raise ProviderServiceError(
            f"the provider sent {len(found)} vectors, numbered {sorted(by_index)[:10]}, "
            f"for {texts} texts"
        )
    for index, vector in found:
        if len(vector) != dimensions:
            raise ProviderServiceError(
                f"vector {index} has length {len(vector)}, not {dimensions}: "
                f"check dimensions=… for {model}"
            )
        if not math.isfinite(sum(vector)):
            raise ProviderServiceError(f"vector {index} holds a number that is not finite")
    return [[float(number) for number in by_index[index]] for index in range(texts)]
