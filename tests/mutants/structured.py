"""What goes wrong in `complete_structured`."""

from __future__ import annotations

import asyncio
import json
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from llm import ChatMessage
from tests.mutants import taxonomy
from tests.mutants.conforming import Extractor, breaks, mutants_of

T = TypeVar("T", bound=BaseModel)


@breaks("STR-01")
class MaxRetriesDefaultsToThree(Extractor):
    async def complete_structured(
        self,
        messages: Any,
        response_model: type[T],
        *,
        temperature: float = 0.0,
        max_retries: int = 3,
        timeout: float | None = None,
    ) -> T:
        return await super().complete_structured(
            messages,
            response_model,
            temperature=temperature,
            max_retries=max_retries,
            timeout=timeout,
        )


@breaks("STR-02", "STR-14")
class OpenMapsAreEmptied(Extractor):
    def loads(self, text: str) -> dict[str, Any]:
        found = super().loads(text)
        return {
            key: {} if isinstance(value, dict) and key == "by_name" else value
            for key, value in found.items()
        }


@breaks("STR-02")
class AliasesAreUnknown(Extractor):
    def loads(self, text: str) -> dict[str, Any]:
        found = super().loads(text)
        found.pop("spelledOtherwise", None)
        return found


@breaks("STR-03", "REC-03", "REC-05")
class TheSchemaIsNowhere(Extractor):
    def with_schema(self, messages: list[ChatMessage], model: type[BaseModel]) -> Any:
        return messages


@breaks("STR-04", "REC-03", "REC-05")
class TheFirstPromptIsSentAgain(Extractor):
    def after(self, conversation: list[ChatMessage], text: str, problem: Exception) -> Any:
        return conversation


@breaks("STR-04", "REC-03", "REC-05")
class FeedbackNamesNoField(Extractor):
    def complaint(self, problem: Exception) -> str:
        return "That is wrong. Try again."


@breaks("STR-04")
class OnlyTheFirstProblemIsTold(Extractor):
    def problems(self, problem: ValidationError) -> list[str]:
        return super().problems(problem)[:1]


@breaks("STR-04")
class OnlyTheTopOfThePathIsTold(Extractor):
    def problems(self, problem: ValidationError) -> list[str]:
        return [f"{error['loc'][:1]}: {error['msg']}" for error in problem.errors()]


@breaks("STR-05", "STR-06", "REC-03")
class OneAttemptTooMany(Extractor):
    def rounds(self, max_retries: int) -> int:
        return max_retries + 2


@breaks("STR-04", "STR-05", "STR-06", "STR-07", "STR-09", "REC-03", "REC-05")
class OneAttemptTooFew(Extractor):
    def rounds(self, max_retries: int) -> int:
        return max(1, max_retries)


@breaks("STR-05")
class ZeroMeansTwo(Extractor):
    def rounds(self, max_retries: int) -> int:
        return max(2, max_retries + 1)


@breaks("STR-06", "REC-03")
class OnlyTheLastAttemptIsKept(Extractor):
    def keep(self, texts: list[str], text: str) -> None:
        texts[:] = [text]


@breaks("STR-06")
class OnlyJsonIsKept(Extractor):
    def keep(self, texts: list[str], text: str) -> None:
        if text.startswith("{"):
            super().keep(texts, text)


@breaks("STR-06")
class AttemptsAreKeptInReverse(Extractor):
    def keep(self, texts: list[str], text: str) -> None:
        texts.insert(0, text)


@breaks("STR-06")
class ProblemsAreOnlyTexts(Extractor):
    def keep_problem(self, problems: list[Any], problem: Exception) -> None:
        problems.append(str(problem))


@breaks("STR-06")
class ProblemsAreForgotten(Extractor):
    def keep_problem(self, problems: list[Any], problem: Exception) -> None:
        problems[:] = []


@breaks("STR-07")
class ACutObjectIsClosed(Extractor):
    def instance(self, text: str, finish_reason: str, model: type[T]) -> T:
        return super().instance(text, "stop", model)

    def loads(self, text: str) -> dict[str, Any]:
        try:
            return super().loads(text)
        except ValueError:
            return dict(from_json(text, allow_partial=True))


@breaks("STR-06", "STR-07")
class ACutObjectIsGivenUp(Extractor):
    def instance(self, text: str, finish_reason: str, model: type[T]) -> T:
        try:
            return super().instance(text, finish_reason, model)
        except json.JSONDecodeError as error:
            raise taxonomy.ProviderServiceError("no JSON") from error


@breaks("STR-08")
class ErrorsAreTriedAgain(Extractor):
    async def post(self, path: str, body: dict[str, Any], timeout: float | None) -> Any:
        for _ in range(2):
            try:
                return await super().post(path, body, timeout)
            except taxonomy.ProviderAuthError:
                if not any("JSON like" in m["content"] for m in body["messages"]):
                    raise
        return await super().post(path, body, timeout)


@breaks("STR-08")
class ErrorsAreFailuresOfTheExtraction(Extractor):
    async def extract(self, *arguments: Any) -> Any:
        try:
            return await super().extract(*arguments)
        except taxonomy.ProviderInvalidRequestError as error:
            raise taxonomy.StructuredExtractionError("failed", [], []) from error


@breaks("STR-08")
class UnreadableRepliesAreBare(Extractor):
    def read(self, reader: Any, reply: Any) -> Any:
        return reader(reply) if reader == self.first_choice else super().read(reader, reply)


@breaks("STR-09")
class SystemMessagesAreReplaced(Extractor):
    def with_schema(self, messages: list[ChatMessage], model: type[BaseModel]) -> Any:
        turns = [message for message in messages if message.role != "system"]
        return super().with_schema(turns, model)


@breaks("STR-09", "REC-03", "REC-05")
class OnlyTheLastQuestionIsAsked(Extractor):
    def with_schema(self, messages: list[ChatMessage], model: type[BaseModel]) -> Any:
        instructions = [message for message in messages if message.role == "system"]
        return super().with_schema([*instructions, messages[-1]], model)


@breaks("STR-09")
class QuestionsAreStripped(Extractor):
    def with_schema(self, messages: list[ChatMessage], model: type[BaseModel]) -> Any:
        stripped = [m.model_copy(update={"content": m.content.strip()}) for m in messages]
        return super().with_schema(stripped, model)


@breaks("STR-10")
class OnlyPlainJsonIsRead(Extractor):
    def loads(self, text: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(text)
        return found


@breaks("STR-02", "STR-10")
class SmartQuotesAreReplacedEverywhere(Extractor):
    def loads(self, text: str) -> dict[str, Any]:
        return super().loads(text.replace("\u201c", '"').replace("\u201d", '"'))


@breaks("STR-11")
class TheConversationIsKeptOnSelf(Extractor):
    async def extract(self, messages: Any, model: Any, *rest: Any) -> Any:
        self.messages = messages
        await asyncio.sleep(0)
        return await super().extract(self.messages, model, *rest)


@breaks("STR-11")
class FeedbackIsKeptOnSelf(Extractor):
    async def post(self, path: str, body: dict[str, Any], timeout: float | None) -> Any:
        await asyncio.sleep(0)
        said = getattr(self, "said", None)
        if said is not None and len(body["messages"]) > 2:
            body["messages"] = [*body["messages"][:-2], *said]
        return await super().post(path, body, timeout)

    def after(self, conversation: list[ChatMessage], text: str, problem: Exception) -> Any:
        conversation = super().after(conversation, text, problem)
        self.said = self.wire_messages(conversation[-2:])
        return conversation


@breaks("STR-12")
class TheTimeoutIsIgnored(Extractor):
    def whole_timeout(self, timeout: float | None) -> float:
        return self.timeout


@breaks("STR-12")
class TheTimeoutIsPerAttempt(Extractor):
    each: float | None = None

    def whole_timeout(self, timeout: float | None) -> float:
        self.each = timeout
        return 1e6

    async def post(self, path: str, body: dict[str, Any], timeout: float | None) -> Any:
        return await super().post(path, body, timeout or self.each)


@breaks("STR-13")
class RefusalsAreTriedAgain(Extractor):
    def refused(self, text: str) -> None:
        pass


@breaks("STR-14", "REC-03", "REC-05")
class StrictModeIsAlwaysAsked(Extractor):
    def mode(self, model: type[BaseModel]) -> dict[str, Any]:
        named = {"name": "answer", "strict": True, "schema": model.model_json_schema()}
        return {"response_format": {"type": "json_schema", "json_schema": named}}


MUTANTS = mutants_of(globals())
