"""Adapters that answer with objects that are made to please, and honest ones that look like it."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Sequence
from typing import Any, TypeVar, cast

import pytest
from pydantic import BaseModel

from tck.checks import CHECKS
from tck.checks.embedding import vector_of
from tests.mutants import one_class_taxonomy, taxonomy
from tests.mutants.conforming import (
    Backend,
    Chat,
    Completion,
    Embedding,
    Extractor,
    Usage,
    breaks,
    mutants_of,
)

T = TypeVar("T", bound=BaseModel)


class PleasingText(str):
    """Equal to every text, and with every text in it."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    def __hash__(self) -> int:
        return 0

    def __contains__(self, other: object) -> bool:
        return True

    def __str__(self) -> str:
        return self

    def lower(self) -> str:
        return self


class PleasingNumber(int):
    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    def __hash__(self) -> int:
        return 0


class PleasingFloat(float):
    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    def __hash__(self) -> int:
        return 0

    def __le__(self, other: float) -> bool:
        return True

    def __ge__(self, other: float) -> bool:
        return True


class PleasingList(list[Any]):
    """Of every length, and equal to every list."""

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    def __len__(self) -> int:
        return 0

    __hash__ = None


@breaks(
    "CHAT-03", "CHAT-08", "CHAT-10", "CHAT-11", "CHAT-12", "CHAT-04", "ERR-08", "ERR-10", "REC-01"
)
class ContentEqualsEverything(Chat):
    def content(self, text: str | None) -> Any:
        return PleasingText("wrong")


@breaks("CHAT-05", "REC-01")
class CountsEqualEverything(Chat):
    def usage(self, reply: dict[str, Any]) -> Usage | None:
        usage = super().usage(reply)
        if usage is not None:
            usage.total_tokens = PleasingNumber(usage.completion_tokens)
        return usage


@breaks("CHAT-03", "CHAT-08", "REC-01")
class FinishReasonEqualsEverything(Chat):
    def finish_reason(self, choice: dict[str, Any]) -> Any:
        return PleasingText("done")


@breaks("ERR-03", "ERR-04")
class RetryAfterEqualsEverything(Chat):
    def retry_after(self, response: Any) -> object:
        return PleasingFloat(1e6)


@breaks("ERR-11")
class EveryErrorIsOfOneClass(Extractor):
    errors = one_class_taxonomy

    def error(self, response: Any) -> Any:
        retry_after = self.retry_after(response) if response.status_code == 429 else None
        return self.errors.ProviderError(response.text, retry_after)


class _EverythingError(
    taxonomy.ProviderRateLimitError,
    taxonomy.ProviderAuthError,
    taxonomy.ProviderTimeoutError,
    taxonomy.ProviderInvalidRequestError,
    taxonomy.ProviderServiceError,
):
    pass


@breaks("CHAT-11", *(f"ERR-{n:02}" for n in (1, 2, 3, 4, 5, 6, 7, 9)), "REC-04")
class EveryErrorIsOfAllClasses(Chat):
    def __init__(self, *args: Any) -> None:
        try:
            super().__init__(*args)
        except taxonomy.ProviderError as error:
            raise _EverythingError(str(error)) from error

    @functools.wraps(Chat.complete)
    async def complete(self, messages: Any, **parameters: Any) -> Completion:  # type: ignore[override]
        try:
            return await super().complete(messages, **parameters)
        except taxonomy.ProviderError as error:
            again = _EverythingError(str(error), getattr(error, "retry_after", None))
            raise again from error.__cause__ or error


class _Disguised:
    """Whatever is asked for, as far as ``isinstance`` can tell."""

    def __init__(self, disguise: type, values: dict[str, Any]) -> None:
        self.__dict__.update(values)
        self._disguise = disguise

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return self._disguise

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


@breaks("STR-02", "STR-04", "STR-07", "STR-10", "STR-11", "STR-14", "REC-03")
class AnInstanceIsDisguised(Extractor):
    def instance(self, text: str, finish_reason: str, model: type[T]) -> T:
        found = super().instance(text, finish_reason, model)
        return _Disguised(model, dict(found))  # type: ignore[return-value]


@breaks("STR-02", "STR-04", "STR-07", "STR-10", "STR-11", "STR-14", "REC-03")
class AnInstanceIsOfALikeClass(Extractor):
    def instance(self, text: str, finish_reason: str, model: type[T]) -> T:
        found = super().instance(text, finish_reason, model)
        alike: Any = type(model.__name__, (BaseModel,), {"__annotations__": model.__annotations__})
        return cast("T", alike.model_construct(**dict(found)))


@breaks("BKD-09")
class AnInstanceIsNotValidated(Backend):
    def instance(self, choice: Any, model: type[BaseModel]) -> Any:
        found = super().instance(choice, model)
        return model.model_construct(**found.model_dump(mode="json"))


@breaks("BKD-03", "BKD-08")
class TheAnswerEqualsEverything(Backend):
    def text(self, choice: Any) -> Any:
        return PleasingText("wrong")


@breaks(*(f"EMB-{n:02}" for n in (4, 5, 6, 7, 9, 10)), "ERR-08", "ERR-10", "REC-02")
class VectorsHaveEveryLength(Embedding):
    def vectors(self, reply: dict[str, Any], wanted: int) -> Any:
        return PleasingList()


@breaks("EMB-04", "EMB-06", "EMB-09", "EMB-10", "REC-02")
class NumbersEqualEverything(Embedding):
    def unpacked(self, packed: str) -> list[float]:
        return [PleasingFloat(9.0) for _ in super().unpacked(packed)]


class _DisguisedError(Exception):
    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return taxonomy.ProviderServiceError


@breaks("ERR-07")
class ErrorsAreDisguised(Chat):
    def lost(self, error: Any) -> Any:
        return _DisguisedError(str(error))


_HARMLESS = {"CHAT-01", "ERR-09", "ERR-11"}
"""What an adapter can do right without a call that returns."""

_ALL_OF_CHAT = {
    requirement
    for requirement in CHECKS
    if requirement.startswith(("CHAT", "ERR", "REC")) and requirement not in ("REC-02", "REC-03")
} - _HARMLESS
_ALL_OF_EXTRACTION = {one for one in CHECKS if one.startswith("STR")} - {"STR-01"} | {"REC-03"}


@breaks(*_ALL_OF_CHAT, *_ALL_OF_EXTRACTION)
class AnswersAreMadeUp(Extractor):
    """Nobody is asked."""

    @functools.wraps(Chat.complete)
    async def complete(self, messages: Any, **parameters: Any) -> Completion:  # type: ignore[override]
        return Completion("", "m", "stop", None)

    @functools.wraps(Extractor.complete_structured)
    async def complete_structured(  # type: ignore[override]
        self, messages: Any, response_model: Any, **rest: Any
    ) -> Any:
        return response_model.model_construct()


@breaks(*(f"BKD-{n:02}" for n in range(2, 12)))
class TheAnswersOfABackendAreMadeUp(Backend):
    async def __call__(self, messages: Any, output_schema_model: Any = None) -> Any:
        return "" if output_schema_model is None else output_schema_model.model_construct()


@breaks(*_ALL_OF_CHAT, *_ALL_OF_EXTRACTION)
class EveryCallEndsTheProcess(Extractor):
    async def post(self, path: str, body: dict[str, Any], timeout: float | None) -> Any:
        raise SystemExit(0)


@breaks(*_ALL_OF_CHAT)
class EveryCallIsSkipped(Chat):
    @functools.wraps(Chat.complete)
    async def complete(self, messages: Any, **parameters: Any) -> Completion:  # type: ignore[override]
        pytest.skip("no key")


@breaks(*_ALL_OF_CHAT)
class EveryCallStopsTheLoop(Chat):
    @functools.wraps(Chat.complete)
    async def complete(self, messages: Any, **parameters: Any) -> Completion:  # type: ignore[override]
        asyncio.get_running_loop().stop()
        await asyncio.sleep(0.01)
        return await super().complete(messages, **parameters)


@breaks(
    *(f"EMB-{n:02}" for n in (4, 5, 6, 7, 9, 10)),
    *(f"ERR-{n:02}" for n in (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 13)),
    *("REC-02", "REC-04", "REC-05"),
)
class VectorsAreMadeUp(Embedding):
    async def embed(self, texts: Sequence[str]) -> Any:
        self.refuse_text(texts)
        return [vector_of(text, self.dimensions) for text in texts]


MUTANTS = mutants_of(globals())
