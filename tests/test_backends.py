"""The second contract, and the two bridges between it and providers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import pytest
from pydantic import BaseModel

from examples import backends as examples
from llm import (
    ChatMessage,
    Completion,
    LLMProvider,
    ProviderAuthError,
    ProviderError,
    ProviderInvalidRequestError,
    ProviderRateLimitError,
    ProviderServiceError,
    ProviderTimeoutError,
    StructuredExtractionError,
    StructuredExtractor,
    from_provider,
)
from llm.backends import BackendProvider, BaseBackendLLM, ProviderBackendLLM
from tck import AdapterUnderTest
from tck.catalogue import denominator
from tck.grading import Outcome
from tck.run.assessment import assess
from tck.wire.server import Received, Reply
from tests.adapters.serving import CHAT_ADAPTERS, body_of, provider, reply, served
from tests.helpers import target_of

MESSAGES = [
    {"role": "system", "content": "Be exact."},
    {"role": "user", "content": "hello"},
]


class Point(BaseModel):
    x: int


# ProviderBackendLLM


@CHAT_ADAPTERS
async def test_a_backend_of_a_provider(name: str) -> None:
    given = [dict(message) for message in MESSAGES]
    with served(lambda _: reply(name)) as server:
        backend = ProviderBackendLLM(provider(name, server.origin), temperature=0.5, max_tokens=9)
        assert isinstance(backend, BaseBackendLLM)
        assert await backend(given) == "hi"
        await backend.close()
        await backend.close()
    assert given == MESSAGES
    body = body_of(server.received[0])
    kwargs = backend.get_model_kwargs
    assert kwargs.pop("stream") is False
    assert "stream" not in body
    assert {key: body[key] for key in kwargs} == kwargs, "what it says is what it sends"
    assert ("temperature" in kwargs) == (name != "anthropic")
    assert kwargs["max_tokens"] == 9
    json.dumps(kwargs)


@CHAT_ADAPTERS
async def test_an_instance_of_the_output_schema(name: str) -> None:
    with served(lambda _: reply(name, text='{"x": 5}')) as server:
        backend = ProviderBackendLLM(provider(name, server.origin))
        assert await backend(MESSAGES, Point) == Point(x=5)
        await backend.close()


@CHAT_ADAPTERS
async def test_whatever_goes_wrong_is_raised(name: str) -> None:
    replies = [reply(name, 401), reply(name, text="no"), reply(name, text="no")]
    with served(lambda received: replies[received.number]) as server:
        backend = ProviderBackendLLM(provider(name, server.origin), max_retries=1)
        with pytest.raises(ProviderAuthError):
            await backend(MESSAGES)
        with pytest.raises(StructuredExtractionError):
            await backend(MESSAGES, Point)
        await backend.close()
    assert len(server.received) == 3


class Plain:
    """A provider with neither a structured mode nor anything to close."""

    model = "acme/small"

    def __init__(self, text: str = "hi") -> None:
        self.text = text
        self.asked: list[list[ChatMessage]] = []

    async def complete(self, messages: Any, **_: Any) -> Completion:
        self.asked.append(list(messages))
        return Completion(content=self.text, model="small")


async def test_a_provider_without_a_structured_mode_is_asked_by_the_prompt() -> None:
    plain = Plain('{"x": 5}')
    backend = ProviderBackendLLM(plain)
    assert await backend(MESSAGES, Point) == Point(x=5)
    await backend.close()
    assert [message.role for message in plain.asked[0]] == ["system", "system", "user"]


async def test_every_call_of_model_kwargs_is_a_new_dict() -> None:
    backend = ProviderBackendLLM(Plain())
    backend.get_model_kwargs["model"] = "changed"
    assert backend.get_model_kwargs == {"model": "small", "temperature": 0.0, "stream": False}


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        ({"role": "user"}, "message 1: content: Field required"),
        ({"role": "user", "content": None}, "message 1: content: Input should be a valid string"),
        ({"role": "robot", "content": "x"}, "message 1: role: Input should be 'system'"),
        ({"content": "x"}, "message 1: role"),
    ],
)
async def test_a_message_that_is_none_is_named(message: Any, problem: str) -> None:
    plain = Plain()
    with pytest.raises(ProviderInvalidRequestError, match=problem):
        await ProviderBackendLLM(plain)([MESSAGES[0], message])
    assert plain.asked == []


async def test_developer_messages_are_system_messages() -> None:
    plain = Plain()
    await ProviderBackendLLM(plain)([{"role": "developer", "content": "x"}])
    assert plain.asked[0][0].role == "system"


# BackendProvider


class Scripted(BaseBackendLLM):
    """A backend that answers, or raises, what it was given."""

    def __init__(self, *outcomes: object) -> None:
        self.outcomes = list(outcomes)
        self.calls: list[list[dict[str, str]]] = []
        self.closed = 0

    @property
    def get_model_kwargs(self) -> dict[str, Any]:
        return {"model": "small", "max_tokens": 7, "stream": False}

    async def __call__(
        self, messages: list[dict[str, str]], output_schema_model: type[BaseModel] | None = None
    ) -> Any:
        self.calls.append(messages)
        outcome = self.outcomes[min(len(self.calls), len(self.outcomes)) - 1]
        if callable(outcome):
            outcome = outcome()
        if isinstance(outcome, Exception):
            raise outcome
        if asyncio.iscoroutine(outcome):
            return await outcome
        return outcome

    async def close(self) -> None:
        self.closed += 1


HELLO = [ChatMessage(role="user", content="hello", name="ann")]


async def test_a_provider_of_a_backend() -> None:
    backend = Scripted("hi")
    async with BackendProvider(backend) as adapter:
        assert isinstance(adapter, LLMProvider)
        assert isinstance(adapter, StructuredExtractor)
        assert adapter.model == "backend/small"
        completion = await adapter.complete(HELLO, max_tokens=7)
    assert completion == Completion(content="hi", model="small")
    assert backend.calls == [[{"role": "user", "content": "hello", "name": "ann"}]]
    assert backend.closed == 1
    assert BackendProvider(backend, model="acme/small").model == "acme/small"
    assert BackendProvider(backend, model="small").model == "backend/small"


@pytest.mark.parametrize("parameter", [{"max_tokens": 8}, {"stop": ["END"]}])
async def test_what_a_backend_cannot_send_is_refused(parameter: Any) -> None:
    backend = Scripted("hi")
    with pytest.raises(ProviderInvalidRequestError, match="cannot be sent"):
        await BackendProvider(backend).complete(HELLO, **parameter)
    assert backend.calls == []


class StatusError(Exception):
    status_code = 429

    class response:  # noqa: N801 - as the SDKs name it
        headers = {"retry-after": "7"}  # noqa: RUF012


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (ProviderAuthError("no"), ProviderAuthError),
        (StatusError("slow down"), ProviderRateLimitError),
        (ConnectionResetError("gone"), ProviderServiceError),
        (TimeoutError("slow"), ProviderTimeoutError),
        (KeyError("choices"), ProviderServiceError),
        (None, ProviderServiceError),
        (5, ProviderServiceError),
    ],
)
async def test_what_backends_raise_and_return(raised: object, expected: Any) -> None:
    with pytest.raises(ProviderError) as caught:
        await BackendProvider(Scripted(raised)).complete(HELLO)
    assert type(caught.value) is expected
    if isinstance(caught.value, ProviderRateLimitError):
        assert caught.value.retry_after == 7.0


async def test_a_backend_that_stalls_is_a_timeout() -> None:
    stalled = Scripted(lambda: asyncio.Event().wait())
    with pytest.raises(ProviderTimeoutError):
        await BackendProvider(stalled).complete(HELLO, timeout=0.05)
    with pytest.raises(ProviderTimeoutError):
        await BackendProvider(stalled, timeout=0.05).complete_structured(HELLO, Point)


def _invalid() -> Exception:
    try:
        Point.model_validate_json('{"x": "many"}')
    except ValueError as error:
        return error
    raise AssertionError


@pytest.mark.parametrize("wrong", [_invalid(), '{"x": "many"}'], ids=["raised", "text"])
async def test_attempts_of_a_backend_are_counted_and_fed_back(wrong: object) -> None:
    backend = Scripted(wrong, Point(x=5))
    assert await BackendProvider(backend).complete_structured(HELLO, Point) == Point(x=5)
    assert "- x: Input should be a valid integer" in backend.calls[1][-1]["content"]
    backend = Scripted(wrong)
    with pytest.raises(StructuredExtractionError) as caught:
        await BackendProvider(backend).complete_structured(HELLO, Point, max_retries=2)
    assert len(backend.calls) == len(caught.value.last_attempts) == 3
    assert "many" in caught.value.last_attempts[0]


async def test_the_instance_of_a_backend_is_returned_as_it_is() -> None:
    point = Point(x=5)
    assert await BackendProvider(Scripted(point)).complete_structured(HELLO, Point) is point
    with pytest.raises(ProviderServiceError, match="not a Point"):
        await BackendProvider(Scripted(None)).complete_structured(HELLO, Point)


async def test_there_and_back_again() -> None:
    plain = Plain('{"x": 5}')
    both = BackendProvider(ProviderBackendLLM(plain))
    assert (await both.complete(HELLO)).content == '{"x": 5}'
    assert await both.complete_structured(HELLO, Point) == Point(x=5)


# What the kit says of the bridge

BRIDGES = {
    name: AdapterUnderTest(
        name=name,
        backend=lambda endpoint, **options: ProviderBackendLLM(
            from_provider(
                endpoint.model, api_key=endpoint.api_key, api_base=endpoint.base_url, **options
            ),
            temperature=0.5,
            max_tokens=99,
        ),
        wire=name,
        model=f"{name}/m",
    )
    for name in ("openai", "anthropic")
    if find_spec(name) is not None
}


@pytest.mark.parametrize("name", BRIDGES)
def test_the_kit_finds_nothing_wrong_with_a_backend_of_a_provider(name: str) -> None:
    target = target_of(BRIDGES[name])
    for requirement in denominator(["backend"]):
        result = assess(target, requirement)
        assert result.outcome is Outcome.PASSED, (requirement.id, result.detail)


# The examples

CHAT_PATHS = {
    "openai": "/v1/chat/completions",
    "azure_openai": "/openai/deployments/m/chat/completions",
    "groq": "/v1/chat/completions",
    "together": "/v1/chat/completions",
    "anthropic": "/v1/messages",
}


@pytest.mark.parametrize("service", CHAT_PATHS)
@pytest.mark.skipif(find_spec("anthropic") is None, reason="the examples need every SDK")
async def test_five_services_are_backends_by_configuration(service: str) -> None:
    wire = "anthropic" if service == "anthropic" else "openai"

    def respond(received: Received) -> Reply:
        structured = body_of(received).keys() & {"response_format", "tools"}
        return reply(wire, text='{"x": 5}' if structured else "hi")

    build: Callable[..., ProviderBackendLLM] = getattr(examples, service)
    with served(respond) as server:
        path = "/v1" if CHAT_PATHS[service] == "/v1/chat/completions" else ""
        backend = build("m", api_key="key", api_base=server.origin + path)
        assert await backend(MESSAGES) == "hi"
        assert await backend(MESSAGES, Point) == Point(x=5)
        await backend.close()
    assert {received.path for received in server.received} == {CHAT_PATHS[service]}
    kwargs = backend.get_model_kwargs
    assert kwargs.pop("stream") is False
    assert kwargs.items() <= body_of(server.received[0]).items()


@pytest.mark.parametrize("service", ["groq", "together"])
@pytest.mark.skipif(find_spec("anthropic") is None, reason="the examples need every SDK")
def test_no_service_is_sent_the_key_of_another(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "of OpenAI")
    with pytest.raises(KeyError, match=f"{service.upper()}_API_KEY"):
        getattr(examples, service)()
