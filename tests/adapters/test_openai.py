"""What is OpenAI's own: names, parameters, and embeddings."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llm import ChatMessage, ProviderAuthError, ProviderServiceError, from_provider
from llm.adapters.openai import OpenAIEmbeddingProvider, OpenAIProvider
from tck.wire.dialects import dialect_for
from tck.wire.dialects.model import ChatReply, ChatRequest
from tck.wire.server import Received, Reply
from tck.wire.wire import Wire
from tests.adapters.serving import HELLO, body_of, provider, reply, served


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
        ) as adapter:
            assert adapter.model == canonical
            await adapter.complete(HELLO)
    assert asked == [wire]


async def _sent(model: str, **parameters: Any) -> dict[str, Any]:
    with served(lambda _: reply("openai")) as server:
        async with provider("openai", server.origin, model=model) as adapter:
            await adapter.complete(HELLO, **parameters)
    return body_of(server.received[0])


async def test_openai_parameters() -> None:
    body = await _sent("openai/gpt-4.1", max_tokens=5, stop=("a", "b"))
    assert body == {
        "model": "gpt-4.1",
        "messages": [{"role": "user", "content": "hello"}],
        "temperature": 0.0,
        "max_tokens": 5,
        "stop": ["a", "b"],
    }
    for model in ("gpt-3.5-turbo", "gpt-35-turbo", "gpt-5-chat-latest", "openai/gpt-oss-20b"):
        assert (await _sent(f"openai/{model}"))["temperature"] == 0.0


@pytest.mark.parametrize("model", ["openai/o3", "openai/gpt-5.4-mini", "openai/gpt-6-sol"])
async def test_reasoning_models_get_only_what_they_take(model: str) -> None:
    body = await _sent(model, max_tokens=5, stop=["a"], temperature=0.5)
    assert body.keys() == {"model", "messages", "max_completion_tokens"}


async def test_tool_messages() -> None:
    answer = ChatMessage(role="tool", content="42", tool_call_id="t1", name="ask")
    with served(lambda _: reply("openai")) as server:
        async with provider("openai", server.origin) as adapter:
            await adapter.complete([answer])
    assert body_of(server.received[0])["messages"] == [
        {"role": "tool", "content": "42", "name": "ask", "tool_call_id": "t1"}
    ]


async def test_azure_deployments() -> None:
    with served(lambda _: reply("openai")) as server:
        async with OpenAIProvider(
            "deployed", api_key="key", api_base=server.origin, api_version="2024-10-21"
        ) as adapter:
            assert (await adapter.complete(HELLO)).content == "hi"
    (request,) = server.received
    assert request.path == "/openai/deployments/deployed/chat/completions"
    assert request.query == "api-version=2024-10-21"
    assert request.headers["api-key"] == "key"  # pragma: allowlist secret


async def test_vectors_of_an_azure_deployment() -> None:
    with served(_vectors) as server:
        async with OpenAIEmbeddingProvider(
            "deployed",
            dimensions=2,
            api_key="key",
            api_base=server.origin,
            api_version="2024-10-21",
        ) as adapter:
            assert await adapter.embed_one("abc") == [3.0, 0.5]
    assert server.received[0].path == "/openai/deployments/deployed/embeddings"


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
    with served(_vectors) as server:
        async with _embedder(server.origin) as adapter:
            vectors = await adapter.embed(["x" * (n % 50) for n in range(3000)])
    assert [vector[0] for vector in vectors] == [n % 50 for n in range(3000)]
    assert [len(json.loads(r.body)["input"]) for r in server.received] == [2048, 952]


async def test_a_bare_string_is_refused() -> None:
    with served(_vectors) as server:
        async with _embedder(server.origin) as adapter:
            with pytest.raises(TypeError, match="embed_one"):
                await adapter.embed("letters")
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
        [{"index": 0, "embedding": [1.0, 2.0]}, {"index": 1, "embedding": [1.0, float("nan")]}],
        None,
    ],
)
async def test_wrong_vectors_are_a_service_error(data: object) -> None:
    body = json.dumps({"object": "list", "data": data, "model": "m"}).encode()
    with served(lambda _: Reply(body)) as server:
        async with _embedder(server.origin) as adapter:
            with pytest.raises(ProviderServiceError):
                await adapter.embed(["a", "b"])


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
    with served(_vectors) as server:
        async with _embedder(server.origin, model, dimensions=dimensions) as adapter:
            try:
                await adapter.embed(["a"])
            except ProviderServiceError:
                assert adapter.dimensions != 2, "the server sends two numbers"
    assert json.loads(server.received[0].body).get("dimensions") == asked


def test_dimensions_must_be_known_and_positive() -> None:
    with pytest.raises(ValueError, match="pass dimensions="):
        OpenAIEmbeddingProvider("unknown-model", api_key="key")
    with pytest.raises(ValueError, match="must be positive"):
        OpenAIEmbeddingProvider("unknown-model", api_key="key", dimensions=0)
    assert OpenAIEmbeddingProvider("text-embedding-3-large", api_key="key").dimensions == 3072


def test_a_missing_key_is_an_auth_error(monkeypatch: pytest.MonkeyPatch) -> None:
    for key in (None, ""):
        with pytest.raises(ProviderAuthError, match="OPENAI_API_KEY"):
            from_provider("openai/m", api_key=key)
    monkeypatch.setenv("OPENAI_API_KEY", "from the environment")
    assert from_provider("openai/m").model == "openai/m"
    with pytest.raises(ProviderAuthError):
        from_provider("openai/m", api_key="")
