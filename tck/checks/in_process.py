"""An embedding adapter without a wire, compared with its own vectors of single texts.

Its vectors for one text at a time are the measure of its vectors for many. A model may round
otherwise in another batch, so vectors are compared by which of them is nearest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

from tck.checks.calls import returned, together
from tck.checks.comparing import is_a
from tck.checks.subject import Subject
from tck.verdicts import Violation
from tck.wire.wire import Wire

# Of several lengths and in no order of theirs: models sort what they compute together.
TEXTS = (
    "tax law",
    "a cat sleeps on the warm roof of the old house by the harbour",
    "x",
    "The lighthouse keeper counts the ships.",
    "rain",
    "seven green bottles",
)


async def order(subject: Subject, wire: Wire) -> None:
    """Vectors come in the order of the texts."""
    async with subject.embedding(wire) as provider:
        own = [await _vector_of(provider, text) for text in TEXTS]
        vectors = await returned(partial(provider.embed, list(TEXTS)), "embed()")
        if not is_a(vectors, list) or list.__len__(vectors) != len(TEXTS):
            raise Violation(expected=f"{len(TEXTS)} vectors", seen=f"{vectors!r:.80}")
        for number, vector in enumerate(list.copy(vectors)):
            _assert_nearest(vector, number, own, "in its place among several")


async def no_cross_talk(subject: Subject, wire: Wire, calls: int) -> None:
    """Concurrent calls get the vectors of their own texts."""
    async with subject.embedding(wire) as provider:
        own = [await _vector_of(provider, text) for text in TEXTS]

        async def ask(call: int) -> None:
            number = call % len(TEXTS)
            vector = await _vector_of(provider, TEXTS[number])
            _assert_nearest(vector, number, own, f"in call {call} of {calls} concurrent ones")

        await together(*(ask(call) for call in range(calls)))


async def _vector_of(provider: Any, text: str) -> Any:
    vectors = await returned(partial(provider.embed, [text]), "embed()")
    if not is_a(vectors, list) or list.__len__(vectors) != 1:
        raise Violation(expected="one vector for one text", seen=f"{vectors!r:.80}")
    return list.copy(vectors)[0]


def _assert_nearest(vector: Any, number: int, own: Sequence[Any], where: str) -> None:
    try:
        distances = [math.dist(vector, other) for other in own]
    except (TypeError, ValueError) as error:
        raise Violation(expected="vectors of one length", seen=f"{error}") from error
    nearest = distances.index(min(distances))
    if nearest != number:
        raise Violation(
            expected=f"the vector of {TEXTS[number]!r} {where}",
            seen=f"that of {TEXTS[nearest]!r}",
        )
