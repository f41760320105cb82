"""`complete_structured` and `schema_aligned_extract`: attempts, requests and feedback, counted."""

from __future__ import annotations

import asyncio
import enum
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal

import pytest
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    RootModel,
    ValidationError,
    field_validator,
)

from llm import (
    ChatMessage,
    ProviderAuthError,
    ProviderError,
    ProviderInvalidRequestError,
    ProviderServiceError,
    ProviderTimeoutError,
    StructuredExtractionError,
    schema_aligned_extract,
)
from tck.wire.server import LoopbackServer, Received, Reply
from tests.adapters.serving import CHAT_ADAPTERS, body_of, provider, reply, served
from tests.helpers import strings_of

CONVERSATION = [
    ChatMessage(role="system", content="Be exact."),
    ChatMessage(role="user", content="Who is she?"),
    ChatMessage(role="assistant", content="Who?"),
    ChatMessage(role="system", content="Be brief."),
    ChatMessage(role="user", content="Ada, of course."),
]


class Person(BaseModel):
    name: str
    age: int


class Scores(BaseModel):
    """Strict mode cannot express it: the keys are open."""

    by_name: dict[str, int]


ADA = '{"name": "Ada", "age": 36}'
WRONG = '{"name": "Ada", "age": "thirty-six"}'


def in_text(name: str, text: str, reason: str | None = None, refusal: str | None = None) -> Reply:
    """A reply in text, ended for a reason."""
    body = json.loads(reply(name, text=text).body)
    if name == "anthropic":
        body["stop_reason"] = reason or "end_turn"
    else:
        body["choices"][0]["finish_reason"] = reason or "stop"
        body["choices"][0]["message"]["refusal"] = refusal
    return Reply(json.dumps(body).encode())


def in_native_mode(name: str, text: str, reason: str | None = None) -> Reply:
    """A reply in the wire's structured mode: a tool call of Anthropic's, text of OpenAI's."""
    if name != "anthropic":
        return in_text(name, text, reason)
    body = json.loads(reply(name).body)
    call = {"type": "tool_use", "id": "t", "name": "Person", "input": json.loads(text)}
    body |= {"content": [call], "stop_reason": reason or "tool_use"}
    return Reply(json.dumps(body).encode())


def refuses(name: str) -> Reply:
    """What servers say that do not take the structured mode."""
    message = (
        "tool_choice forces tool use, which is not possible while thinking"
        if name == "anthropic"
        else "Invalid parameter: 'response_format' of type 'json_schema' is not supported"
    )
    return Reply(json.dumps({"error": {"message": message, "type": "x"}}).encode(), 400)


def is_native(request: dict[str, Any]) -> bool:
    return "response_format" in request or "tools" in request


@dataclass(frozen=True)
class Way:
    """One of the ways to an object, and what the server does in it."""

    reply: Callable[[str, str], Reply]
    model: type[BaseModel] = Person
    right: str = ADA
    wrong: str = WRONG
    field: str = "age"
    takes_native: bool = True


WAYS = {
    "native": Way(in_native_mode),
    "inexpressible in strict mode": Way(
        in_native_mode,
        model=Scores,
        right='{"by_name": {"Ada": 1}}',
        wrong='{"by_name": {"Ada": "one"}}',
        field="by_name.Ada",
    ),
    "native mode ignored": Way(lambda name, text: in_text(name, f"Sure!\n```json\n{text}\n```")),
    "native mode refused": Way(in_text, takes_native=False),
}


class Server:
    """Answers attempt after attempt by a script, and refuses what it does not take."""

    def __init__(self, name: str, way: Way, *texts: str) -> None:
        self.answers = [way.reply(name, text) for text in texts]
        self.requests: list[dict[str, Any]] = []
        self.attempts: list[dict[str, Any]] = []

        def respond(received: Received) -> Reply:
            request = body_of(received)
            self.requests.append(request)
            if is_native(request) and not way.takes_native:
                return refuses(name)
            self.attempts.append(request)
            return self.answers[len(self.attempts) - 1]

        self.server = served(respond)


@CHAT_ADAPTERS
@pytest.mark.parametrize("max_retries", [0, 1, 2])
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
async def test_attempts_that_never_validate(name: str, way: Way, max_retries: int) -> None:
    texts = [way.wrong.replace("Ada", f"Ada{n}") for n in range(max_retries + 1)]
    script = Server(name, way, *texts)
    with script.server as server:
        async with provider(name, server.origin) as adapter:
            with pytest.raises(StructuredExtractionError, match=r"by_name\.Ada|age") as caught:
                await adapter.complete_structured(CONVERSATION, way.model, max_retries=max_retries)
    assert len(script.attempts) == max_retries + 1
    assert len(script.requests) == len(script.attempts) + (not way.takes_native)
    error = caught.value
    assert len(error.last_attempts) == len(error.validation_errors) == max_retries + 1
    for text, attempt in zip(texts, error.last_attempts, strict=True):
        assert json.loads(text) == json.loads(attempt.removeprefix("Sure!\n```json").strip("`\n"))
    assert all(isinstance(e, ValidationError) for e in error.validation_errors)
    assert error.__cause__ is error.validation_errors[-1]


@CHAT_ADAPTERS
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
async def test_an_attempt_that_fails_is_told_what_was_wrong(name: str, way: Way) -> None:
    script = Server(name, way, way.wrong, way.right)
    with script.server as server:
        async with provider(name, server.origin) as adapter:
            found = await adapter.complete_structured(CONVERSATION, way.model)
    assert found == way.model.model_validate_json(way.right)
    first, second = ("\n".join(strings_of(attempt["messages"])) for attempt in script.attempts)
    # What was answered, the field, and what the matter is with it.
    assert way.wrong in second
    complaint = f"- {way.field}: Input should be a valid integer"
    assert complaint in second
    assert complaint not in first
    # Where the prompt does not show the schema, the complaint does: a server that ignored the
    # native mode has not shown it to the model.
    assert second.count("JSON schema") == 1 or (name == "anthropic" and not way.takes_native)
    for message in CONVERSATION:
        assert any(message.content in text for text in strings_of(script.attempts[1]))


@CHAT_ADAPTERS
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
async def test_the_schema_reaches_the_model_in_every_way(name: str, way: Way) -> None:
    script = Server(name, way, way.right)
    with script.server as server:
        async with provider(name, server.origin) as adapter:
            await adapter.complete_structured(CONVERSATION, way.model)
    (attempt,) = script.attempts
    assert is_native(attempt) == way.takes_native
    assert any(next(iter(way.model.model_fields)) in text for text in strings_of(attempt))
    instructions = attempt.get("system") or [
        message["content"] for message in attempt["messages"] if message["role"] == "system"
    ]
    for told in ("Be exact.", "Be brief."):
        assert told in instructions if name != "anthropic" else told in "".join(instructions)


@CHAT_ADAPTERS
async def test_a_cut_answer_is_retried_even_when_it_reads_well(name: str) -> None:
    reason = "max_tokens" if name == "anthropic" else "length"
    replies = [in_native_mode(name, ADA, reason), in_native_mode(name, ADA)]
    with served(lambda received: replies[received.number]) as server:
        async with provider(name, server.origin) as adapter:
            assert (await adapter.complete_structured(CONVERSATION, Person)).age == 36
    assert "cut off" in server.received[1].body.decode()


@CHAT_ADAPTERS
async def test_a_cut_object_is_never_closed_and_believed(name: str) -> None:
    for end in range(1, len(ADA)):
        with served(lambda _, end=end: in_text(name, ADA[:end])) as server:  # type: ignore[misc]
            async with provider(name, server.origin) as adapter:
                with pytest.raises(StructuredExtractionError):
                    await adapter.complete_structured(CONVERSATION, Person, max_retries=0)


@CHAT_ADAPTERS
async def test_a_refusal_is_told_at_once_and_as_one(name: str) -> None:
    reason = "refusal" if name == "anthropic" else None
    answer = in_text(name, "I cannot help.", reason, refusal="I cannot help.")
    with served(lambda _: answer) as server:
        async with provider(name, server.origin) as adapter:
            refused = "the model refused: I cannot help."
            with pytest.raises(StructuredExtractionError, match=refused) as caught:
                await adapter.complete_structured(CONVERSATION, Person)
    assert len(server.received) == 1
    assert caught.value.last_attempts == ["I cannot help."]


@CHAT_ADAPTERS
async def test_a_content_filter_is_told_at_once_and_as_one(name: str) -> None:
    with served(lambda _: in_text(name, "", "content_filter")) as server:
        async with provider(name, server.origin) as adapter:
            with pytest.raises(StructuredExtractionError, match="content filter"):
                await adapter.complete_structured(CONVERSATION, Person)
    assert len(server.received) == 1


@CHAT_ADAPTERS
@pytest.mark.parametrize(
    ("status", "raised", "requests"),
    [(400, ProviderInvalidRequestError, 1), (401, ProviderAuthError, 1)],
)
async def test_an_error_of_the_provider_passes_through(
    name: str, status: int, raised: type[ProviderError], requests: int
) -> None:
    with served(lambda _: reply(name, status)) as server:
        async with provider(name, server.origin) as adapter:
            with pytest.raises(raised):
                await adapter.complete_structured(CONVERSATION, Person)
    assert len(server.received) == requests


@CHAT_ADAPTERS
async def test_transport_retries_are_not_attempts(name: str) -> None:
    busy = reply(name, 503, retry_after="0")
    replies = [busy, in_native_mode(name, WRONG), busy, in_native_mode(name, ADA)]
    with served(lambda received: replies[received.number]) as server:
        async with provider(name, server.origin, max_retries=1) as adapter:
            found = await adapter.complete_structured(CONVERSATION, Person, max_retries=1)
    assert found.name == "Ada"
    assert len(server.received) == 4


@CHAT_ADAPTERS
async def test_the_deadline_is_for_all_attempts_together(name: str) -> None:
    async def responder(received: Received) -> Reply | None:
        if received.number == 0:
            return in_native_mode(name, WRONG)
        await asyncio.Event().wait()
        return None

    with LoopbackServer(responder, limit=60) as server:
        async with provider(name, server.origin) as adapter:
            with pytest.raises(ProviderTimeoutError):
                await adapter.complete_structured(CONVERSATION, Person, timeout=0.5)
    assert len(server.received) == 2


@CHAT_ADAPTERS
async def test_an_unreadable_reply_is_no_attempt(name: str) -> None:
    with served(
        lambda _: Reply(b'{"choices": [{"message": {"content": 5}}], "content": 5}')
    ) as server:
        async with provider(name, server.origin, max_retries=0) as adapter:
            with pytest.raises(ProviderServiceError):
                await adapter.complete_structured(CONVERSATION, Person)
    assert len(server.received) == 1


@CHAT_ADAPTERS
async def test_what_is_no_model_or_no_number_is_refused_before_any_request(name: str) -> None:
    with served(lambda _: reply(name)) as server:
        async with provider(name, server.origin) as adapter:
            with pytest.raises(TypeError, match=r"subclass of pydantic\.BaseModel, not"):
                await adapter.complete_structured(CONVERSATION, dict)
            with pytest.raises(ValueError, match="must not be negative"):
                await adapter.complete_structured(CONVERSATION, Person, max_retries=-1)
    assert server.received == []


@CHAT_ADAPTERS
async def test_the_callers_own_validators_are_fed_back(name: str) -> None:
    class Even(BaseModel):
        number: int

        @field_validator("number")
        @classmethod
        def is_even(cls, number: int) -> int:
            if number % 2:
                raise ValueError("must be even, so that it can be halved")
            return number

    replies = [in_native_mode(name, '{"number": 3}'), in_native_mode(name, '{"number": 4}')]
    with served(lambda received: replies[received.number]) as server:
        async with provider(name, server.origin) as adapter:
            assert (await adapter.complete_structured(CONVERSATION, Even)).number == 4
    assert "so that it can be halved" in server.received[1].body.decode()


@CHAT_ADAPTERS
@pytest.mark.parametrize("max_retries", [0, 1, 2])
async def test_schema_aligned_extract_counts_likewise(name: str, max_retries: int) -> None:
    with served(lambda _: in_text(name, WRONG)) as server:
        async with provider(name, server.origin) as adapter:
            with pytest.raises(StructuredExtractionError) as caught:
                await schema_aligned_extract(adapter, CONVERSATION, Person, max_retries=max_retries)
    assert len(server.received) == max_retries + 1
    assert caught.value.last_attempts == [WRONG] * (max_retries + 1)
    assert not any(is_native(body_of(received)) for received in server.received)


@CHAT_ADAPTERS
async def test_many_at_once_do_not_mix(name: str) -> None:
    def respond(received: Received) -> Reply:
        texts = strings_of(body_of(received)["messages"])
        number = next(text for text in texts if text.startswith("number "))
        fed_back = any("not accepted" in text for text in texts)
        age = number.removeprefix("number ") if fed_back else '"x"'
        return in_native_mode(name, f'{{"name": "{number}", "age": {age}}}')

    with served(respond) as server:
        async with provider(name, server.origin) as adapter:
            people = await asyncio.gather(
                *(
                    adapter.complete_structured(
                        [ChatMessage(role="user", content=f"number {n}")], Person
                    )
                    for n in range(32)
                )
            )
    assert [(person.name, person.age) for person in people] == [
        (f"number {n}", n) for n in range(32)
    ]
    assert len(server.received) == 64


class Color(enum.Enum):
    RED = "red"


class Node(BaseModel):
    value: int
    children: list[Node] = []


class Line(BaseModel):
    item: str
    price: Decimal
    on: date


class Order(BaseModel):
    model_config = ConfigDict(strict=True)
    number: int = Field(alias="orderNumber", ge=1)
    lines: list[Line]
    color: Color | None = None
    note: str = "none"
    either: Literal["a"] | int
    extra: dict[str, list[int]]


ORDER = Order(
    orderNumber=7,
    lines=[Line(item="“pen”, blue", price=Decimal("0.10"), on=date(2026, 1, 2))],
    color=Color.RED,
    either=3,
    extra={"a b": [1, 2], "": []},
)


@CHAT_ADAPTERS
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "instance",
    [ORDER, Node(value=1, children=[Node(value=2, children=[Node(value=3)])]), RootModel[int](5)],
    ids=["order", "recursive", "root"],
)
async def test_instances_of_every_kind_of_model(name: str, way: str, instance: BaseModel) -> None:
    text = instance.model_dump_json(by_alias=True)
    if isinstance(instance, RootModel):
        text = f'{{"value": {text}}}'
    script = Server(name, WAYS[way], text)
    with script.server as server:
        async with provider(name, server.origin) as adapter:
            found = await adapter.complete_structured(CONVERSATION, type(instance))
    assert found == instance
    assert type(found) is type(instance)
