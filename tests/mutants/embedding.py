"""What goes wrong in `embed` and `embed_one`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx2

from tck import Endpoint
from tck.checks.embedding import vector_of
from tests.mutants.conforming import Embedding, breaks, described, mutants_of


# Nothing about vectors can be said of an adapter that does not know their length.
@breaks(*(f"EMB-{n:02}" for n in (2, 4, 5, 6, 7, 9, 10, 11)), "REC-02")
class DimensionsAreLazy(Embedding):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.dimensions = None

    def check(self, vectors: list[list[float]], wanted: int) -> None:
        self.dimensions = len(vectors[0])
        super().check(vectors, wanted + 1)


# The recordings hold no such request either.
@breaks("EMB-02", "EMB-03", "REC-02", "REC-04", "REC-05")
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
        return await (super().embed(texts) if texts else self.embed_batch(list(texts)))


@breaks("EMB-03")
class NoTextsAreNone(Embedding):
    def nothing(self) -> Any:
        return None


@breaks("EMB-04")
class VectorsComeAsTheyArrive(Embedding):
    def ordered(self, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return items


@breaks("EMB-04", "EMB-05")
class RepeatedTextsAreEmbeddedOnce(Embedding):
    async def embed_batch(self, texts: list[str]) -> Any:
        return await super().embed_batch(list(dict.fromkeys(texts)))


@breaks("EMB-05")
class NumberIsNotChecked(Embedding):
    def check(self, vectors: list[list[float]], wanted: int) -> None:
        super().check(vectors, len(vectors))


@breaks("EMB-05")
class LengthIsNotChecked(Embedding):
    def check(self, vectors: list[list[float]], wanted: int) -> None:
        padding = [0.0] * self.dimensions
        super().check([[*vector, *padding][: self.dimensions] for vector in vectors], wanted)


@breaks("EMB-05")
class OnlyTheFirstLengthIsChecked(Embedding):
    def check(self, vectors: list[list[float]], wanted: int) -> None:
        fitted = [[*vector, *vectors[0]][: len(vectors[0])] for vector in vectors]
        super().check(fitted, wanted)


@breaks("EMB-05")
class EmptyTextsAreLeftOut(Embedding):
    async def embed_batch(self, texts: list[str]) -> Any:
        return await super().embed_batch([text for text in texts if text] or texts)


class WrongLengthError(Exception):
    pass


@breaks("EMB-05")
class WrongLengthIsBare(Embedding):
    def read(self, reader: Any, reply: Any) -> Any:
        try:
            return super().read(reader, reply)
        except Exception as error:
            if isinstance(error.__cause__, WrongLengthError):
                raise error.__cause__ from None
            raise

    def check(self, vectors: list[list[float]], wanted: int) -> None:
        if [len(vector) for vector in vectors] != [self.dimensions] * wanted:
            raise WrongLengthError
        super().check(vectors, wanted)


@breaks("EMB-01")
class TheParameterHasAnotherName(Embedding):
    async def embed(self, inputs: Sequence[str]) -> Any:
        return await super().embed(inputs)


@breaks("EMB-01")
class EmbedOneIsNoCoroutineFunction(Embedding):
    def embed_one(self, text: str) -> Any:
        return super().embed_one(text)


@breaks("EMB-06", "REC-02")
class VectorsAreTuples(Embedding):
    def vectors(self, reply: dict[str, Any], wanted: int) -> Any:
        return [tuple(vector) for vector in super().vectors(reply, wanted)]


@breaks("EMB-06")
class WhatIsNoNumberIsGivenAway(Embedding):
    def check(self, vectors: list[list[float]], wanted: int) -> None:
        super().check([[0.0] * len(vector) for vector in vectors], wanted)


@breaks("EMB-06")
class OnlyTheFirstVectorIsLookedAt(Embedding):
    def check(self, vectors: list[list[float]], wanted: int) -> None:
        super().check([*vectors[:1], *([0.0] * len(vector) for vector in vectors[1:])], wanted)


@breaks("EMB-08")
class UnknownModelsHaveADefault(Embedding):
    def known(self, model: str) -> int:
        return 6


@breaks("EMB-09")
class TextsAreKeptOnSelf(Embedding):
    async def embed_batch(self, texts: list[str]) -> Any:
        self.texts = texts
        await asyncio.sleep(0)
        return await super().embed_batch(self.texts)


@breaks("EMB-10")
class EverythingInOneRequest(Embedding):
    batch = 10**9


@breaks("EMB-11")
class ABareStringIsSpelled(Embedding):
    def refuse_text(self, texts: Sequence[str]) -> None:
        pass


@breaks("EMB-07")
class OneTextIsStripped(Embedding):
    async def embed_one(self, text: str) -> Any:
        return await super().embed_one(text.strip())


@breaks("EMB-07")
class OneTextGivesAList(Embedding):
    async def embed_one(self, text: str) -> Any:
        return await self.embed([text])


class InProcess(Embedding):
    """A model that runs here, as far as the kit can tell."""

    async def embed(self, texts: Sequence[str]) -> Any:
        self.refuse_text(texts)
        await asyncio.sleep(0)
        return [self.vector(text) for text in texts]

    def vector(self, text: str) -> list[float]:
        return vector_of(text, self.dimensions)


@breaks("EMB-04", wire=None)
class SortedByLengthAndLeftSo(InProcess):
    async def embed(self, texts: Sequence[str]) -> Any:
        return await super().embed(texts if isinstance(texts, str) else sorted(texts, key=len))


@breaks("EMB-05", wire=None)
class LongTextsGetLongVectors(InProcess):
    def vector(self, text: str) -> list[float]:
        return vector_of(text, self.dimensions + (text == "gamma (right)"))


@breaks("EMB-09", wire=None)
class TheTextIsKeptOnSelfHere(InProcess):
    async def embed(self, texts: Sequence[str]) -> Any:
        self.refuse_text(texts)
        self.texts = texts
        await asyncio.sleep(0)
        return await super().embed(self.texts)


IN_PROCESS = described("in-process", embedding=InProcess, wire=None)
MUTANTS = mutants_of(globals())
