"""What every adapter that embeds does with numbers: how many to want, and what to accept."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from llm.defaults import lookup_embedding_dimensions
from llm.errors import ProviderServiceError


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


def ordered(
    vectors: Iterable[tuple[int, Sequence[float]]], texts: int, dimensions: int, model: str
) -> list[list[float]]:
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
