"""What goes wrong in `embed` and `embed_one`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx2

from tck import Endpoint
from tests.mutants.conforming import Embedding, breaks, mutants_of


# Nothing about vectors can be said of an adapter that does not know their length.
@breaks("EMB-02", "EMB-04", "EMB-05", "EMB-07", "REC-02")
class DimensionsAreLazy(Embedding):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.dimensions = None

    def check(self, vectors: list[list[float]], wanted: int) -> None:
        self.dimensions = len(vectors[0])
        super().check(vectors, wanted + 1)


# The recordings hold no such request either.
@breaks("EMB-02", "EMB-03", "REC-02", "REC-04")
class DimensionsAreAskedFor(Embedding):
    def __init__(self, endpoint: Endpoint, *args: Any) -> None:
        super().__init__(endpoint, *args)
        body = {"model": self.wire_model(self.model), "input": ["how long are you?"]}
        try:
            httpx2.post(f"{endpoint.base_url}/embeddings", json=body, timeout=5)
        except httpx2.HTTPError:
            pass


@breaks("EMB-03")
class NoTextsAreSent(Embedding):
    async def embed(self, texts: Sequence[str]) -> Any:
        body = {"model": self.wire_model(self.model), "input": list(texts)}
        reply = await self.post("/embeddings", body | {"encoding_format": "base64"}, None)
        return self.vectors(reply, len(texts))


@breaks("EMB-03")
class NoTextsAreNone(Embedding):
    def nothing(self) -> Any:
        return None


@breaks("EMB-04")
class VectorsComeAsTheyArrive(Embedding):
    def ordered(self, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return items


@breaks("EMB-05")
class NumberIsNotChecked(Embedding):
    def check(self, vectors: list[list[float]], wanted: int) -> None:
        super().check(vectors, len(vectors))


@breaks("EMB-05")
class LengthIsNotChecked(Embedding):
    def check(self, vectors: list[list[float]], wanted: int) -> None:
        super().check([[0.0] * self.dimensions for _ in vectors], wanted)


@breaks("EMB-05")
class OnlyTheFirstLengthIsChecked(Embedding):
    def check(self, vectors: list[list[float]], wanted: int) -> None:
        super().check([vectors[0] for _ in vectors] if vectors else [], wanted)


@breaks("EMB-05")
class WrongLengthIsBare(Embedding):
    def check(self, vectors: list[list[float]], wanted: int) -> None:
        if [len(vector) for vector in vectors] != [self.dimensions] * wanted:
            raise ValueError("vectors of the wrong number or length")


@breaks("EMB-07")
class OneTextIsStripped(Embedding):
    async def embed_one(self, text: str) -> Any:
        return await super().embed_one(text.strip())


@breaks("EMB-07")
class OneTextGivesAList(Embedding):
    async def embed_one(self, text: str) -> Any:
        return await self.embed([text])


MUTANTS = mutants_of(globals())
