"""The reference adapters: real SDKs over real sockets."""

from __future__ import annotations

import asyncio
import importlib
import json
import pickle
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import anthropic
import openai
import pytest

import llm
from llm import (
    ChatMessage,
    EmbeddingDimensionMismatchError,
    ProviderAuthError,
    ProviderError,
    ProviderInvalidRequestError,
    ProviderRateLimitError,
    ProviderServiceError,
    ProviderTimeoutError,
    Usage,
    from_provider,
)
from llm.adapters import anthropic as anthropic_adapter
from llm.adapters import openai as openai_adapter
from llm.adapters._errors import retry_after, translated
from llm.adapters._extras import import_sdk
from llm.adapters.anthropic import AnthropicProvider
from llm.adapters.openai import OpenAIEmbeddingProvider, OpenAIProvider
from llm.defaults import lookup_embedding_dimensions
from tck.wire.dialects import dialect_for
from tck.wire.dialects.model import ChatReply, ChatRequest
from tck.wire.server import LoopbackServer, Received, Reply
from tck.wire.wire import Wire

HELLO = [ChatMessage(role="user", content="hello")]
CHAT_ADAPTERS = pytest.mark.parametrize("name", ["openai", "anthropic"])


def _provider(name: str, base: str, **options: Any) -> Any:
    path = "/v1" if name == "openai" else ""
    return from_provider(f"{name}/m", api_key="key", api_base=base + path, **options)


def _served(respond: Callable[[Received], Reply]) -> LoopbackServer:
    async def responder(received: Received) -> Reply:
        return respond(received)

    return LoopbackServer(responder, limit=30)


def _reply(name: str, status: int = 200, **headers: str) -> Reply:
    dialect = dialect_for(name)
    assert dialect is not None
    if status == 200:
        return Reply(dialect.write_chat(ChatReply(text="hi")))
    body = dialect.write_error(status, f"wire error {status}")
    return Reply(body, status, {key.replace("_", "-"): value for key, value in headers.items()})


# What the SDKs themselves let through, or hide: bodies of a 200 that are no reply.
MALFORMED = {
    "empty": b"",
    "html": b"<html><body>Bad gateway</body></html>",
    "truncated": b'{"id": "x", "choices": [{"message": {"content": "hal',
    "null": b"null",
    "list": b"[]",
    "text": b'"hello"',
    "nothing in it": b"{}",
    "no choices": b'{"choices": [], "content": null, "model": "m"}',
    "error object": b'{"error": {"message": "overloaded", "code": 529}}',
    "wrong types": b'{"choices": [{"message": {"content": 5}, "finish_reason": "stop"}], '
    b'"content": [{"type": "text", "text": 5}], "model": "m", "usage": {}, "stop_reason": "x"}',
    "no message": b'{"choices": [{"finish_reason": "stop"}], "content": 7, "model": "m"}',
    "not UTF-8": b'{"choices": "\xff"}',
}


@CHAT_ADAPTERS
@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
async def test_an_unreadable_reply_is_a_provider_error(name: str, body: bytes) -> None:
    with _served(lambda _: Reply(body)) as server:
        async with _provider(name, server.origin, max_retries=0) as provider:
            with pytest.raises(ProviderServiceError):
                await provider.complete(HELLO)


@CHAT_ADAPTERS
async def test_every_status_is_a_provider_error(name: str) -> None:
    status = 400
    with _served(lambda _: _reply(name, status)) as server:
        async with _provider(name, server.origin, max_retries=0) as provider:
            for status in range(400, 600):
                with pytest.raises(ProviderError) as caught:
                    await provider.complete(HELLO)
                assert caught.value.__cause__ is not None
                if status >= 500:
                    assert isinstance(caught.value, ProviderServiceError), status


@CHAT_ADAPTERS
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, ProviderInvalidRequestError),
        (401, ProviderAuthError),
        (403, ProviderAuthError),
        (404, ProviderInvalidRequestError),
        (408, ProviderTimeoutError),
        (413, ProviderInvalidRequestError),
        (422, ProviderInvalidRequestError),
        (429, ProviderRateLimitError),
        (529, ProviderServiceError),
    ],
)
async def test_statuses(name: str, status: int, expected: type[ProviderError]) -> None:
    with _served(lambda _: _reply(name, status)) as server:
        async with _provider(name, server.origin, max_retries=0) as provider:
            with pytest.raises(expected) as caught:
                await provider.complete(HELLO)
    assert type(caught.value) is expected


@CHAT_ADAPTERS
async def test_a_passing_failure_is_retried(name: str) -> None:
    replies = [_reply(name, 503, retry_after="0"), _reply(name, 429, retry_after="0")]
    with _served(lambda r: replies[r.number] if r.number < 2 else _reply(name)) as server:
        async with _provider(name, server.origin, max_retries=2) as provider:
            assert (await provider.complete(HELLO)).content == "hi"
    assert len(server.received) == 3


@CHAT_ADAPTERS
@pytest.mark.parametrize("status", [400, 401, 404, 422])
async def test_what_is_the_callers_fault_is_not_retried(name: str, status: int) -> None:
    with _served(lambda _: _reply(name, status)) as server:
        async with _provider(name, server.origin) as provider:
            with pytest.raises(ProviderError):
                await provider.complete(HELLO)
    assert len(server.received) == 1


@CHAT_ADAPTERS
async def test_retries_are_counted(name: str) -> None:
    with _served(lambda _: _reply(name, 500, retry_after="0")) as server:
        async with _provider(name, server.origin, max_retries=3) as provider:
            with pytest.raises(ProviderServiceError):
                await provider.complete(HELLO)
    assert len(server.received) == 4


@CHAT_ADAPTERS
async def test_a_wait_beyond_the_deadline_is_not_waited_for(name: str) -> None:
    with _served(lambda _: _reply(name, 429, retry_after="3600")) as server:
        async with _provider(name, server.origin, timeout=30) as provider:
            start = time.perf_counter()
            with pytest.raises(ProviderRateLimitError) as caught:
                await provider.complete(HELLO)
    assert caught.value.retry_after == 3600.0
    assert time.perf_counter() - start < 5
    assert len(server.received) == 1


@CHAT_ADAPTERS
async def test_the_server_may_forbid_a_retry(name: str) -> None:
    with _served(lambda _: _reply(name, 503, x_should_retry="false")) as server:
        async with _provider(name, server.origin) as provider:
            with pytest.raises(ProviderServiceError):
                await provider.complete(HELLO)
    assert len(server.received) == 1


@CHAT_ADAPTERS
async def test_an_unreachable_server_is_a_service_error(name: str) -> None:
    with _served(lambda _: _reply(name)) as server:
        origin = server.origin
    async with _provider(name, origin, max_retries=0) as provider:
        with pytest.raises(ProviderServiceError, match="Connection"):
            await provider.complete(HELLO)


@CHAT_ADAPTERS
def test_usable_in_one_event_loop_after_another(name: str) -> None:
    with _served(lambda _: _reply(name)) as server:
        provider = _provider(name, server.origin)

        async def once() -> str:
            content: str = (await provider.complete(HELLO)).content
            await provider.aclose()
            return content

        assert [asyncio.run(once()), asyncio.run(once())] == ["hi", "hi"]


@CHAT_ADAPTERS
async def test_closing_twice_is_harmless(name: str) -> None:
    with _served(lambda _: _reply(name)) as server:
        async with _provider(name, server.origin) as provider:
            await provider.complete(HELLO)
            await provider.aclose()
            await provider.aclose()


@CHAT_ADAPTERS
async def test_raw_is_the_response_when_it_was_asked_for(name: str) -> None:
    with _served(lambda _: _reply(name)) as server:
        async with _provider(name, server.origin) as provider:
            assert (await provider.complete(HELLO)).raw is None
        async with _provider(name, server.origin, return_raw=True) as provider:
            assert (await provider.complete(HELLO)).raw == json.loads(_reply(name).body)


@CHAT_ADAPTERS
def test_a_missing_key_is_an_auth_error(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ProviderAuthError, match=f"{name.upper()}_API_KEY"):
        from_provider(f"{name}/m")
    monkeypatch.setenv(f"{name.upper()}_API_KEY", "from the environment")
    assert from_provider(f"{name}/m").model == f"{name}/m"


@pytest.mark.parametrize(
    ("given", "canonical", "wire"),
    [
        ("gpt-4.1", "openai/gpt-4.1", "gpt-4.1"),
        ("OpenAI/gpt-4.1", "openai/gpt-4.1", "gpt-4.1"),
        ("openai/openai/gpt-oss-20b", "openai/openai/gpt-oss-20b", "openai/gpt-oss-20b"),
        ("ft:gpt-4.1:acme::x1", "openai/ft:gpt-4.1:acme::x1", "ft:gpt-4.1:acme::x1"),
    ],
)
async def test_the_name_of_the_model(given: str, canonical: str, wire: str) -> None:
    asked: list[str] = []

    def script(request: ChatRequest) -> ChatReply:
        asked.append(request.model)
        return ChatReply()

    with Wire(dialect_for("openai")) as server:
        server.on_chat(script)
        async with OpenAIProvider(
            given, api_key="key", api_base=server.endpoint("").base_url
        ) as provider:
            assert provider.model == canonical
            await provider.complete(HELLO)
    assert asked == [wire]


async def _sent(name: str, model: str, **parameters: Any) -> dict[str, Any]:
    with _served(lambda _: _reply(name)) as server:
        async with from_provider(
            model,
            api_key="key",
            api_base=server.origin + ("/v1" if name == "openai" else ""),
        ) as provider:  # type: ignore[attr-defined]
            await provider.complete(HELLO, **parameters)
    body: dict[str, Any] = json.loads(server.received[0].body)
    return body


async def test_openai_parameters() -> None:
    body = await _sent("openai", "openai/gpt-4.1", max_tokens=5, stop=("a", "b"))
    assert body == {
        "model": "gpt-4.1",
        "messages": [{"role": "user", "content": "hello"}],
        "temperature": 0.0,
        "max_tokens": 5,
        "stop": ["a", "b"],
    }
    assert (await _sent("openai", "openai/gpt-3.5-turbo"))["temperature"] == 0.0


@pytest.mark.parametrize("model", ["openai/o3", "openai/gpt-5.4-mini", "openai/gpt-6-sol"])
async def test_reasoning_models_get_only_what_they_take(model: str) -> None:
    body = await _sent("openai", model, max_tokens=5, stop=["a"], temperature=0.5)
    assert body.keys() == {"model", "messages", "max_completion_tokens"}


async def test_anthropic_parameters() -> None:
    body = await _sent("anthropic", "anthropic/claude-haiku-4-5", stop="END", temperature=0.5)
    assert body == {
        "model": "claude-haiku-4-5",
        "messages": [{"role": "user", "content": "hello"}],
        "max_tokens": 4096,
        "stop_sequences": ["END"],
    }


async def test_tool_messages() -> None:
    answer = ChatMessage(role="tool", content="42", tool_call_id="t1", name="ask")
    wires: dict[str, Any] = {}
    for name in ("openai", "anthropic"):
        with _served(lambda _, name=name: _reply(name)) as server:  # type: ignore[misc]
            async with _provider(name, server.origin) as provider:
                await provider.complete([answer])
        wires[name] = json.loads(server.received[0].body)["messages"]
    assert wires["openai"] == [
        {"role": "tool", "content": "42", "name": "ask", "tool_call_id": "t1"}
    ]
    assert wires["anthropic"] == [
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "42"}],
        }
    ]


async def test_a_reply_in_several_blocks_is_one_text() -> None:
    body = {
        "model": "m",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": "s"},
            {"type": "text", "text": "one "},
            {"type": "tool_use", "id": "t", "name": "n", "input": {}},
            {"type": "text", "text": "two"},
        ],
        "stop_reason": "end_turn",
        "usage": {
            "input_tokens": 3,
            "output_tokens": 4,
            "cache_read_input_tokens": 20,
            "cache_creation_input_tokens": 100,
        },
    }
    with _served(lambda _: Reply(json.dumps(body).encode())) as server:
        async with _provider("anthropic", server.origin) as provider:
            completion = await provider.complete(HELLO)
    assert completion.content == "one two"
    assert completion.usage == Usage(
        prompt_tokens=123, completion_tokens=4, total_tokens=127, cached_tokens=20
    )


def _vectors(received: Received, **extra: Any) -> Reply:
    texts = json.loads(received.body)["input"]
    data = [
        {"object": "embedding", "index": n, "embedding": [float(len(text)), 0.5]}
        for n, text in enumerate(texts)
    ]
    return Reply(json.dumps({"object": "list", "data": data[::-1], "model": "m", **extra}).encode())


def _embedder(base: str, model: str = "m", **options: Any) -> OpenAIEmbeddingProvider:
    options = {"dimensions": 2, "max_retries": 0} | options
    return OpenAIEmbeddingProvider(model, api_key="key", api_base=f"{base}/v1", **options)


async def test_many_texts_are_split_into_batches_and_stay_in_order() -> None:
    with _served(_vectors) as server:
        async with _embedder(server.origin) as provider:
            vectors = await provider.embed(["x" * (n % 50) for n in range(3000)])
    assert [vector[0] for vector in vectors] == [n % 50 for n in range(3000)]
    assert [len(json.loads(r.body)["input"]) for r in server.received] == [2048, 952]


async def test_a_bare_string_is_refused() -> None:
    with _served(_vectors) as server:
        async with _embedder(server.origin) as provider:
            with pytest.raises(TypeError, match="embed_one"):
                await provider.embed("letters")
    assert server.received == []


@pytest.mark.parametrize(
    "data",
    [
        [],
        [{"index": 0, "embedding": [1.0, 2.0]}],
        [{"index": 0, "embedding": [1.0, 2.0]}, {"index": 0, "embedding": [1.0, 2.0]}],
        [{"index": 0, "embedding": [1.0, 2.0]}, {"index": 2, "embedding": [1.0, 2.0]}],
        [{"index": 0, "embedding": [1.0, 2.0]}, {"index": 1, "embedding": [1.0]}],
        [{"index": 0, "embedding": [1.0, 2.0]}, {"index": 1, "embedding": None}],
        [{"index": 0, "embedding": [1.0, 2.0]}, {"index": 1, "embedding": ["a", "b"]}],
        [{"index": 0, "embedding": "!"}, {"index": 1, "embedding": "!"}],
        None,
    ],
)
async def test_wrong_vectors_are_a_service_error(data: object) -> None:
    body = json.dumps({"object": "list", "data": data, "model": "m"}).encode()
    with _served(lambda _: Reply(body)) as server:
        async with _embedder(server.origin) as provider:
            with pytest.raises(ProviderServiceError):
                await provider.embed(["a", "b"])


@pytest.mark.parametrize(
    ("model", "dimensions", "asked"),
    [
        ("text-embedding-3-small", None, None),
        ("text-embedding-3-small", 1536, None),
        ("text-embedding-3-small", 2, 2),
        ("somebody/else", 2, None),
    ],
)
async def test_only_a_shortened_vector_is_asked_for(
    model: str, dimensions: int | None, asked: int | None
) -> None:
    with _served(_vectors) as server:
        async with _embedder(server.origin, model, dimensions=dimensions) as provider:
            try:
                await provider.embed(["a"])
            except ProviderServiceError:
                assert provider.dimensions != 2, "the server sends two numbers"
    assert json.loads(server.received[0].body).get("dimensions") == asked


def test_dimensions_must_be_known_and_positive() -> None:
    with pytest.raises(ValueError, match="pass dimensions="):
        OpenAIEmbeddingProvider("unknown-model", api_key="key")
    with pytest.raises(ValueError, match="must be positive"):
        OpenAIEmbeddingProvider("unknown-model", api_key="key", dimensions=0)
    assert OpenAIEmbeddingProvider("text-embedding-3-large", api_key="key").dimensions == 3072


@pytest.mark.parametrize("model", ["text-embedding-3-small", "openai/text-embedding-3-small"])
def test_dimensions_are_looked_up_with_or_without_a_prefix(model: str) -> None:
    assert lookup_embedding_dimensions(model) == 1536
    assert lookup_embedding_dimensions("azure/" + model) == 1536
    assert lookup_embedding_dimensions("nobody/knows-it") is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after-ms": "x", "retry-after": "7"}, 7.0),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_retry_after_as_a_date() -> None:
    seconds = retry_after({"retry-after": formatdate(time.time() + 90, usegmt=True)})
    assert seconds is not None
    assert 80 < seconds <= 90


@pytest.mark.parametrize(
    ("sdk", "root", "table"),
    [
        (openai, openai.OpenAIError, openai_adapter.ERRORS),
        (anthropic, anthropic.AnthropicError, anthropic_adapter.ERRORS),
    ],
    ids=["openai", "anthropic"],
)
def test_every_exception_of_an_sdk_is_in_its_table(sdk: Any, root: Any, table: Any) -> None:
    modules = (sdk, importlib.import_module(f"{sdk.__name__}._exceptions"))
    named = [getattr(module, name) for module in modules for name in dir(module)]
    classes = {
        value
        for value in named
        if isinstance(value, type)
        and issubclass(value, Exception)
        and value.__module__.startswith(sdk.__name__)
    }
    assert len(classes) > 10
    unmapped = {
        raised.__name__
        for raised in classes - {root}
        # The root is what an exception falls back to: nothing was decided of it.
        if not {c.__name__ for c in raised.__mro__} & (table.keys() - {root.__name__})
    }
    assert not unmapped
    assert not table.keys() - {c.__name__ for c in classes}, "the SDK has these no more"


def test_a_timeout_is_told_before_the_connection_error_that_it_is() -> None:
    import httpx2

    error = openai.APITimeoutError(httpx2.Request("POST", "http://provider.test"))
    with pytest.raises(ProviderTimeoutError) as caught, translated(openai_adapter.ERRORS):
        raise error
    assert caught.value.__cause__ is error


def test_our_own_errors_pass_through_untouched() -> None:
    error = ProviderAuthError("mine")
    with pytest.raises(ProviderAuthError) as caught, translated(openai_adapter.ERRORS):
        raise error
    assert caught.value is error


def test_errors_survive_pickling() -> None:
    mismatch = EmbeddingDimensionMismatchError(
        "no", expected_dimensions=1, actual_dimensions=2, index_name="i"
    )
    limit = ProviderRateLimitError("slow", retry_after=3.0)
    assert vars(pickle.loads(pickle.dumps(mismatch))) == vars(mismatch)
    assert vars(pickle.loads(pickle.dumps(limit))) == vars(limit)


def test_every_error_is_a_provider_error() -> None:
    errors = [getattr(llm, name) for name in llm.__all__ if name.endswith("Error")]
    assert len(errors) == 8
    for error in errors:
        assert issubclass(error, ProviderError)
        assert not issubclass(error, OSError | MemoryError)


@pytest.mark.parametrize(
    ("model", "kind", "expected"),
    [
        ("openai/gpt-4.1", "llm", OpenAIProvider),
        ("OPENAI/gpt-4.1", "llm", OpenAIProvider),
        ("o4-mini", "llm", OpenAIProvider),
        ("ft:gpt-4.1:acme::x1", "llm", OpenAIProvider),
        ("anthropic/claude-haiku-4-5", "llm", AnthropicProvider),
        ("claude-haiku-4-5", "llm", AnthropicProvider),
        ("text-embedding-3-small", "embedding", OpenAIEmbeddingProvider),
    ],
)
def test_from_provider(model: str, kind: Any, expected: type) -> None:
    assert isinstance(from_provider(model, kind=kind, api_key="key"), expected)


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("mistral/large", {}),
        ("a-model-of-nobody", {}),
        ("anthropic/claude", {"kind": "embedding"}),
        ("openai/gpt-4.1", {"prefer_litellm": True}),
    ],
)
def test_from_provider_without_an_adapter(model: str, options: dict[str, Any]) -> None:
    with pytest.raises(ImportError, match=f"serves '{model}'"):
        from_provider(model, **options)


def test_from_provider_with_an_unknown_kind() -> None:
    with pytest.raises(ValueError, match="kind must be 'llm' or 'embedding', not 'image'"):
        from_provider("openai/x", kind="image")  # type: ignore[call-overload]


def test_a_missing_sdk_names_its_extra() -> None:
    with pytest.raises(ImportError, match=r"pip install 'llm-provider-tck\[no_such_sdk\]'"):
        import_sdk("no_such_sdk")
