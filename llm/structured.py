"""Objects out of chat models: ask, read, validate, and ask again saying what was wrong.

`schema_aligned_extract` does it with any provider, by a schema in the prompt. Adapters
whose provider has a structured mode of its own give `extract` that mode first.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, NoReturn, TypeVar

from pydantic import BaseModel, ConfigDict, InstanceOf, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from llm import tolerant_json
from llm.errors import (
    ProviderInvalidRequestError,
    ProviderTimeoutError,
    StructuredExtractionError,
)
from llm.protocols import LLMProvider
from llm.types import ChatMessage

T = TypeVar("T", bound=BaseModel)

Ending = Literal["whole", "cut", "refused", "filtered"]
"""How a reply ended: as the model wanted, at a limit of length, or withheld."""

_ENDINGS: dict[str, Ending] = {
    "length": "cut",
    "max_tokens": "cut",
    "max_output_tokens": "cut",
    "model_length": "cut",
    "model_context_window_exceeded": "cut",
    "refusal": "refused",
    "content_filter": "filtered",
    "content_filtered": "filtered",
    "guardrail_intervened": "filtered",
    "safety": "filtered",
}

_ROOT = "value"
_LONGEST_INPUT = 100


class Answer(BaseModel):
    """What a model answered to one attempt.

    It validates because the SDKs do not: their ``content: str`` holds whatever a server has
    sent, be it a list or a number. An adapter makes its `Answer` where exceptions are
    translated, so that such a reply becomes a `ProviderServiceError` there, and no text that
    breaks the parser later.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    text: str
    ending: Ending = "whole"
    outcome: InstanceOf[BaseModel] | ValidationError | None = None
    """What the provider itself made of the text, where it validates."""


@dataclass(frozen=True)
class Mode:
    """One way to get an object out of a model.

    Attributes:
        ask: sends a conversation, and raises only `ProviderError`.
        vocabulary: what a server mentions in its error when it is this mode that it does
            not take; ``None`` for a mode that asks nothing special.
        shows_schema: whether the model can read the schema in the conversation.
    """

    ask: Callable[[Sequence[ChatMessage]], Awaitable[Answer]]
    vocabulary: re.Pattern[str] | None = None
    shows_schema: bool = False


class Shape(Generic[T]):
    """What an answer must look like, and the one way to read it.

    A model whose JSON is no object (a ``RootModel`` of a list) is asked for, and read,
    as ``{"value": …}``: structured modes and the parser know only objects.

    Attributes:
        name: the response model's name in letters that every wire takes, at most 64.
        schema: its JSON schema, with an object at the root.

    Raises:
        TypeError: ``response_model`` is no pydantic model.
    """

    def __init__(self, response_model: type[T]) -> None:
        is_model = isinstance(response_model, type) and issubclass(response_model, BaseModel)
        if not is_model or response_model is BaseModel:
            raise TypeError(
                f"response_model must be a subclass of pydantic.BaseModel, not {response_model!r}"
            )
        self.model = response_model
        self.name = re.sub(r"[^a-zA-Z0-9_-]+", "_", response_model.__name__).strip("_")[:64]
        self.name = self.name or "answer"
        root = response_model.model_json_schema()
        definitions = root.pop("$defs", {})
        reference = root.get("$ref", "")
        if reference.startswith("#/$defs/"):  # the root of a recursive model
            root = {**definitions[reference.removeprefix("#/$defs/")]}
        self._wrapped = root.get("type") != "object"
        if self._wrapped:
            root = {"type": "object", "properties": {_ROOT: root}, "required": [_ROOT]}
        self.schema: dict[str, Any] = {**root, "$defs": definitions} if definitions else root

    def read(self, answer: Answer) -> T:
        """The instance that an answer holds.

        Raises:
            ValidationError: it holds none; a cut answer never does.
        """
        if isinstance(answer.outcome, self.model):
            return answer.outcome
        if isinstance(answer.outcome, ValidationError):
            raise answer.outcome
        if answer.ending == "cut":
            raise self._unreadable(answer.text, "it was cut off at the limit on its length")
        try:
            found = tolerant_json.loads(answer.text)
        except json.JSONDecodeError as error:
            raise self._unreadable(
                answer.text, f"it holds no whole JSON object ({error})"
            ) from None
        if self._wrapped and _ROOT not in found:
            raise self._unreadable(answer.text, f"the object has no {_ROOT!r}")
        # As JSON, so that dates, enums and decimals are read from their strings in strict
        # models too.
        try:
            text = json.dumps(found[_ROOT] if self._wrapped else found)
        except RecursionError:
            raise self._unreadable(answer.text, "it is nested too deeply") from None
        return self.model.model_validate_json(text)

    def instructed(self, messages: Sequence[ChatMessage]) -> list[ChatMessage]:
        """The conversation with the schema in a system message, after those of the caller."""
        turns = (n for n, message in enumerate(messages) if message.role != "system")
        place = next(turns, len(messages))
        instruction = ChatMessage(
            role="system",
            content="Answer with one JSON object that fits this JSON schema, and with nothing "
            f"else:\n{json.dumps(self.schema, ensure_ascii=False)}",
        )
        return [*messages[:place], instruction, *messages[place:]]

    def _unreadable(self, text: str, why: str) -> ValidationError:
        problem = PydanticCustomError("json_invalid", "{why}", {"why": why})
        details = InitErrorDetails(type=problem, loc=(), input=text)
        return ValidationError.from_exception_data(self.model.__name__, [details])


def native_then_prompted(
    ask: Callable[[Sequence[ChatMessage], Mapping[str, Any]], Awaitable[Answer]],
    shape: Shape[Any],
    native: Mapping[str, Any] | None,
    vocabulary: re.Pattern[str],
) -> list[Mode]:
    """The modes of a provider that has one of its own for objects: that one, then the prompt.

    Args:
        ask: sends a conversation, with what the mode adds to the request.
        shape: what the answer must look like.
        native: what the provider's own mode adds; ``None`` for a model without such a mode.
        vocabulary: see `Mode`; of the provider's own mode.
    """

    async def ask_natively(conversation: Sequence[ChatMessage]) -> Answer:
        return await ask(conversation, native or {})

    async def ask_by_prompt(conversation: Sequence[ChatMessage]) -> Answer:
        return await ask(shape.instructed(conversation), {})

    prompted = Mode(ask_by_prompt, shows_schema=True)
    return [prompted] if native is None else [Mode(ask_natively, vocabulary), prompted]


def ending_of(finish_reason: str | None) -> Ending:
    """How a reply ended, by any provider's word for it."""
    return _ENDINGS.get((finish_reason or "").lower(), "whole")


async def schema_aligned_extract(
    provider: LLMProvider,
    messages: Sequence[ChatMessage],
    response_model: type[T],
    *,
    temperature: float = 0.0,
    max_retries: int = 2,
    timeout: float | None = None,
) -> T:
    """Get an instance of ``response_model`` from any chat model, by a schema in the prompt.

    A system message with the JSON schema joins those of the caller. What the model writes
    is read by `llm.tolerant_json.loads` and validated as JSON; what does not validate is
    sent back with the failing fields.

    Args:
        provider: any chat model; it needs no structured mode.
        messages: the conversation, oldest first; it is not changed.
        response_model: what the answer must validate as.
        temperature: as in `LLMProvider.complete`.
        max_retries: attempts after the first; 0 is one attempt in all.
        timeout: seconds for all attempts together; ``None`` leaves each to the provider.

    Raises:
        StructuredExtractionError: no attempt validated, or the model refused.
        ProviderTimeoutError: the time was up.
        ProviderError: whatever else the provider raised, at once.

    Source: the provider API reference, ``llm.structured.schema_aligned_extract``.
    """
    shape = Shape(response_model)
    clock = asyncio.get_running_loop().time
    deadline = None if timeout is None else clock() + timeout

    async def ask(conversation: Sequence[ChatMessage]) -> Answer:
        left = None if deadline is None else max(0.0, deadline - clock())
        completion = await provider.complete(
            shape.instructed(conversation), temperature=temperature, timeout=left
        )
        return Answer(text=completion.content, ending=ending_of(completion.finish_reason))

    try:
        async with asyncio.timeout_at(deadline):
            return await extract([Mode(ask, shows_schema=True)], messages, shape, max_retries)
    except TimeoutError as error:
        raise ProviderTimeoutError(f"no valid answer within {timeout:.3g} s") from error


async def extract(
    modes: Sequence[Mode],
    messages: Sequence[ChatMessage],
    shape: Shape[T],
    max_retries: int,
) -> T:
    """Ask until an answer validates, at most ``max_retries + 1`` times.

    Args:
        modes: the ways to ask, the best first. The next one is taken when a server says
            that it does not take this one, which is no attempt: no model has answered.
        messages: the caller's conversation.
        shape: what the answer must look like.
        max_retries: attempts after the first.

    Raises:
        StructuredExtractionError: no attempt validated, or the model refused.
        ProviderError: whatever else ``ask`` raised, at once.
    """
    if max_retries < 0:
        raise ValueError(f"max_retries must not be negative, and is {max_retries}")
    remaining = list(modes)
    conversation = list(messages)
    attempts: list[str] = []
    errors: list[ValidationError] = []
    while True:
        answer = await _ask(remaining, conversation)
        attempts.append(answer.text)
        if answer.ending in ("refused", "filtered"):
            _raise_withheld(answer, attempts, errors)
        try:
            return shape.read(answer)
        except ValidationError as error:
            errors.append(error)
        if len(attempts) > max_retries:
            _raise_exhausted(shape, attempts, errors)
        conversation += _feedback(answer, errors[-1], None if remaining[0].shows_schema else shape)


async def _ask(remaining: list[Mode], conversation: Sequence[ChatMessage]) -> Answer:
    """Ask in the first mode that the server takes; those that it does not are removed."""
    while True:
        mode = remaining[0]
        try:
            return await mode.ask(conversation)
        except ProviderInvalidRequestError as error:
            if mode.vocabulary is None or not mode.vocabulary.search(str(error)):
                raise
            remaining.pop(0)


def _feedback(
    answer: Answer, error: ValidationError, schema_of: Shape[Any] | None
) -> list[ChatMessage]:
    """What was answered and what is wrong with it, for the model to read."""
    problems = "\n".join(f"- {problem}" for problem in _problems(error))
    request = "Answer again with the corrected JSON object, and with nothing else."
    if schema_of is not None:
        schema = json.dumps(schema_of.schema, ensure_ascii=False)
        request += f" It must fit this JSON schema:\n{schema}"
    said = [ChatMessage(role="assistant", content=answer.text)] if answer.text.strip() else []
    complaint = f"That answer was not accepted:\n{problems}\n{request}"
    return [*said, ChatMessage(role="user", content=complaint)]


def _problems(error: ValidationError) -> list[str]:
    problems = []
    for detail in error.errors(include_url=False, include_context=False):
        field = ".".join(str(part) for part in detail["loc"])
        given = repr(detail["input"])
        shown = field and detail["type"] != "missing" and len(given) <= _LONGEST_INPUT
        problems.append(
            (f"{field}: " if field else "") + detail["msg"] + (f" (not {given})" if shown else "")
        )
    return problems


def _raise_withheld(answer: Answer, attempts: list[str], errors: list[ValidationError]) -> NoReturn:
    what = (
        f"the model refused: {answer.text or 'it gave no reason'}"
        if answer.ending == "refused"
        else "the provider's content filter withheld the answer"
    )
    raise StructuredExtractionError(what, last_attempts=attempts, validation_errors=errors)


def _raise_exhausted(
    shape: Shape[Any], attempts: list[str], errors: list[ValidationError]
) -> NoReturn:
    count = f"{len(attempts)} attempt{'s' * (len(attempts) > 1)}"
    raise StructuredExtractionError(
        f"no valid {shape.model.__name__} in {count}; of the last: "
        + "; ".join(_problems(errors[-1])),
        last_attempts=attempts,
        validation_errors=errors,
    ) from errors[-1]
