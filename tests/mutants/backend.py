"""What goes wrong in backends."""

from __future__ import annotations

import asyncio
from typing import Any

from pydantic import BaseModel
from pydantic_core import from_json

from tests.mutants import taxonomy
from tests.mutants.conforming import Backend, breaks, mutants_of


@breaks("BKD-01")
class TheSchemaHasAnotherName(Backend):
    async def __call__(self, messages: Any, schema: Any = None) -> Any:
        return await super().__call__(messages, schema)


@breaks("BKD-01", "BKD-02")
class ModelKwargsIsAMethod(Backend):
    def get_model_kwargs(self) -> dict[str, Any]:  # type: ignore[override]
        return super().get_model_kwargs

    def sent_kwargs(self) -> dict[str, Any]:
        return self.get_model_kwargs()


@breaks("BKD-02")
class ModelKwargsAreShared(Backend):
    @property
    def get_model_kwargs(self) -> dict[str, Any]:
        if not hasattr(self, "kwargs"):
            self.kwargs = super().get_model_kwargs
        return self.kwargs


@breaks("BKD-02")
class TheKeyIsAmongTheKwargs(Backend):
    @property
    def get_model_kwargs(self) -> dict[str, Any]:
        return super().get_model_kwargs | {"api_key": self.client.endpoint.api_key}

    def sent_kwargs(self) -> dict[str, Any]:
        return super().get_model_kwargs


@breaks("BKD-02")
class AnotherTemperatureIsSent(Backend):
    def sent_kwargs(self) -> dict[str, Any]:
        return self.get_model_kwargs | {"temperature": 0.0}


@breaks("BKD-03")
class NoTextIsNone(Backend):
    def text(self, choice: Any) -> Any:
        return choice["message"]["content"]


@breaks("BKD-03")
class TheTextIsStripped(Backend):
    def text(self, choice: Any) -> Any:
        return super().text(choice).strip()


@breaks("BKD-04")
class TheCallersListIsChanged(Backend):
    def body(self, messages: Any, model: type[BaseModel] | None) -> dict[str, Any]:
        body = super().body(list(messages), model)
        messages.append({"role": "assistant", "content": ""})
        return body


@breaks("BKD-04")
class SystemMessagesAreTheUsers(Backend):
    def body(self, messages: Any, model: type[BaseModel] | None) -> dict[str, Any]:
        users = [m | {"role": "user"} if m["role"] == "system" else m for m in messages]
        return super().body(users, model)


@breaks("BKD-04")
class OfTwoQuestionsTheLastIsSent(Backend):
    def body(self, messages: Any, model: type[BaseModel] | None) -> dict[str, Any]:
        kept: list[Any] = []
        for message in messages:
            if kept and kept[-1]["role"] == message["role"]:
                kept.pop()
            kept.append(message)
        return super().body(kept, model)


@breaks("BKD-02", "BKD-05")
class StreamingIsAskedFor(Backend):
    def sent_kwargs(self) -> dict[str, Any]:
        return self.get_model_kwargs | {"stream": True}


@breaks("BKD-06")
class ConnectionsAreClosedAtTheEnd(Backend):
    async def close(self) -> None:
        self.closing = asyncio.create_task(self.later())

    async def later(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:  # when the loop ends
            await super().close()


@breaks("BKD-06")
class ASecondCloseFails(Backend):
    async def close(self) -> None:
        await super().close()
        del self.client


@breaks("BKD-07")
class AFailedCallIsNone(Backend):
    async def choice(self, body: dict[str, Any]) -> Any:
        try:
            return await super().choice(body)
        except Exception:
            return None

    def text(self, choice: Any) -> Any:
        return None if choice is None else super().text(choice)


@breaks("BKD-07")
class TheTextOfAnErrorIsTheAnswer(Backend):
    async def choice(self, body: dict[str, Any]) -> Any:
        try:
            return await super().choice(body)
        except Exception as error:
            return {"message": {"content": str(error)}}


@breaks("BKD-07")
class NotFoundIsAnEmptyAnswer(Backend):
    async def choice(self, body: dict[str, Any]) -> Any:
        try:
            return await super().choice(body)
        except taxonomy.ProviderInvalidRequestError as error:
            if "404" not in str(error.__cause__):
                raise
            return {"message": {"content": ""}}


@breaks("BKD-08")
class MessagesAreKeptOnSelf(Backend):
    async def choice(self, body: dict[str, Any]) -> Any:
        self.last = body
        await asyncio.sleep(0)
        return await super().choice(self.last)


@breaks("BKD-09")
class AnObjectIsADict(Backend):
    def instance(self, choice: Any, model: type[BaseModel]) -> Any:
        return super().instance(choice, model).model_dump()


@breaks("BKD-10")
class TheSchemaIsNotSent(Backend):
    def mode(self, model: type[BaseModel]) -> dict[str, Any]:
        return {"response_format": {"type": "json_object"}}


@breaks("BKD-11")
class ARefusalIsNone(Backend):
    def instance(self, choice: Any, model: type[BaseModel]) -> Any:
        return None if choice["message"]["refusal"] else super().instance(choice, model)


@breaks("BKD-11")
class ACutAnswerIsBelieved(Backend):
    def instance(self, choice: Any, model: type[BaseModel]) -> Any:
        if choice["finish_reason"] == "length":
            return model.model_validate(from_json(choice["message"]["content"], allow_partial=True))
        return super().instance(choice, model)


@breaks("BKD-11")
class WhatDoesNotFitIsConstructed(Backend):
    def instance(self, choice: Any, model: type[BaseModel]) -> Any:
        try:
            return super().instance(choice, model)
        except ValueError:
            return model.model_construct()


MUTANTS = mutants_of(globals())
