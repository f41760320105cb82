"""What is LiteLLM's own: names, costs, other people's quirks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel

from llm import (
    EmbeddingProvider,
    ProviderAuthError,
    ProviderError,
    ProviderInvalidRequestError,
    ProviderRateLimitError,
    ProviderServiceError,
    StructuredExtractor,
    Usage,
    from_provider,
)
from llm.adapters.litellm import LiteLLMEmbeddingProvider, LiteLLMProvider
from tck.wire.dialects import dialect_for
from tck.wire.server import Received, Reply
from tests.adapters.serving import HELLO, body_of, provider, reply, served


class Point(BaseModel):
    x: int


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ("openai/gpt-4.1", "openai/gpt-4.1"),
        ("OpenAI/gpt-4.1", "openai/gpt-4.1"),
        ("gpt-4o", "openai/gpt-4o"),
        ("claude-haiku-4-5", "anthropic/claude-haiku-4-5"),
        ("mistral/mistral-large-latest", "mistral/mistral-large-latest"),
        ("openai/openai/gpt-oss-20b", "openai/openai/gpt-oss-20b"),
    ],
)
def test_names(given: str, canonical: str) -> None:
    adapter = from_provider(given, prefer_litellm=True, api_key="key")
    assert isinstance(adapter, LiteLLMProvider)
    assert isinstance(adapter, StructuredExtractor)
    assert adapter.model == canonical


@pytest.mark.parametrize("build", [LiteLLMProvider, LiteLLMEmbeddingProvider])
def test_a_name_that_litellm_does_not_know(build: Any) -> None:
    with pytest.raises(ValueError, match="no provider for 'nobody/knows': write PROVIDER/MODEL"):
        build("nobody/knows")


def _counted(**usage: Any) -> Reply:
    body = json.loads(reply("openai").body)
    return Reply(json.dumps(body | {"usage": usage or None, "model": "m"}).encode())


async def test_usage_with_cached_tokens_and_cost() -> None:
    counted = _counted(
        prompt_tokens=1000,
        completion_tokens=100,
        total_tokens=1100,
        prompt_tokens_details={"cached_tokens": 400},
    )
    with served(lambda _: counted) as server:
        async with provider("litellm", server.origin, model="openai/gpt-4o-mini") as adapter:
            usage = (await adapter.complete(HELLO)).usage
        async with provider("litellm", server.origin, model="openai/of-tomorrow") as adapter:
            unknown = (await adapter.complete(HELLO)).usage
    # 0.15 dollars for a million tokens, half of it for cached ones, 0.60 for output.
    assert usage.cost_usd == pytest.approx(600 * 0.15e-6 + 400 * 0.075e-6 + 100 * 0.6e-6)
    assert usage.model_copy(update={"cost_usd": None}) == Usage(
        prompt_tokens=1000, completion_tokens=100, total_tokens=1100, cached_tokens=400
    )
    assert unknown.prompt_tokens == 1000
    assert unknown.cost_usd is None


async def test_no_usage_is_none_and_costs_unknown() -> None:
    with served(lambda _: _counted()) as server:
        async with provider("litellm", server.origin) as adapter:
            assert (await adapter.complete(HELLO)).usage is None


async def test_reasoning_models_get_only_what_they_take() -> None:
    with served(lambda _: reply("openai")) as server:
        for model in ("openai/o3", "openai/gpt-5.4-mini"):
            async with provider("litellm", server.origin, model=model) as adapter:
                await adapter.complete(HELLO, temperature=0.5, max_tokens=5, stop=["a"])
    for received in server.received:
        assert not body_of(received).keys() & {"temperature", "stop", "max_tokens"}


async def test_parameters_and_options_reach_the_wire() -> None:
    with served(lambda _: reply("openai")) as server:
        async with provider("litellm", server.origin, seed=7) as adapter:
            await adapter.complete(HELLO, temperature=0.5, max_tokens=5, stop="END")
    body = body_of(server.received[0])
    assert body == {
        "model": "m",
        "messages": [{"role": "user", "content": "hello"}],
        "temperature": 0.5,
        "max_tokens": 5,
        "stop": ["END"],
        "seed": 7,
    }


async def test_a_model_without_response_format_is_asked_by_the_prompt() -> None:
    with served(lambda _: reply("openai", text='{"x": 5}')) as server:
        adapter = LiteLLMProvider(
            "featherless_ai/m", api_key="key", api_base=f"{server.origin}/v1", max_retries=0
        )
        async with adapter:
            assert await adapter.complete_structured(HELLO, Point) == Point(x=5)
    body = body_of(server.received[0])
    assert "response_format" not in body
    assert "JSON schema" in body["messages"][0]["content"]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, ProviderInvalidRequestError),
        (401, ProviderAuthError),
        (404, ProviderInvalidRequestError),
        (429, ProviderRateLimitError),
        (500, ProviderServiceError),
    ],
)
@pytest.mark.parametrize("model", ["openai/m", "groq/m"])
async def test_the_status_decides_and_not_the_message(
    model: str, status: int, error: type[ProviderError]
) -> None:
    dialect = dialect_for("openai")
    assert dialect is not None
    # LiteLLM takes any error for a 429 whose text speaks of one.
    body = dialect.write_error(status, "rate limit? (429)")
    headers = {"retry-after": "7", "x-should-retry": "false"}
    with served(lambda _: Reply(body, status, headers)) as server:
        adapter = LiteLLMProvider(model, api_key="key", api_base=f"{server.origin}/v1")
        async with adapter:
            with pytest.raises(error) as caught:
                await adapter.complete(HELLO)
    assert getattr(caught.value, "retry_after", 7.0) == 7.0
    assert len(server.received) == 1


async def test_litellm_does_not_retry_beneath_our_retries() -> None:
    with served(lambda _: reply("openai", 503)) as server:
        options: dict[str, Any] = {"api_key": "key", "api_base": f"{server.origin}/v1"}
        embeddings = LiteLLMEmbeddingProvider("openai/m", dimensions=2, max_retries=0, **options)
        async with embeddings:
            with pytest.raises(ProviderServiceError):
                await embeddings.embed(["x"])
        assert len(server.received) == 1
        async with LiteLLMProvider("openai/m", max_retries=0, **options) as chat:
            with pytest.raises(ProviderServiceError):
                await chat.complete(HELLO)
        assert len(server.received) == 2


@pytest.mark.parametrize("build", [LiteLLMProvider, LiteLLMEmbeddingProvider])
def test_a_missing_key_is_an_auth_error(build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {} if build is LiteLLMProvider else {"dimensions": 2}
    with pytest.raises(ProviderAuthError, match="MISTRAL_API_KEY"):
        build("mistral/m", **options)
    monkeypatch.setenv("MISTRAL_API_KEY", "from the environment")
    assert build("mistral/m", **options).model == "mistral/m"
    # Amazon has more ways to say who one is, a local server none.
    for model in ("bedrock/amazon.nova-lite-v1:0", "ollama/llama3.2"):
        assert build(model, **options).model == model


async def test_nothing_is_printed_with_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with served(lambda _: reply("openai", 400)) as server:
        async with provider("litellm", server.origin) as adapter:
            with pytest.raises(Exception, match="wire error 400"):
                await adapter.complete(HELLO)
    assert capfd.readouterr().out == ""


def _vectors(received: Received) -> Reply:
    texts = body_of(received)["input"]
    data = [
        {"object": "embedding", "index": n, "embedding": [float(len(text)), 0.5]}
        for n, text in enumerate(texts)
    ]
    return Reply(json.dumps({"object": "list", "data": data[::-1], "model": "m"}).encode())


@pytest.mark.parametrize("model", ["openai/m", "mistral/m", "voyage/m"])
async def test_embeddings_in_batches_and_in_order(model: str) -> None:
    with served(_vectors) as server:
        path = "/v1/embeddings" if model.startswith("voyage") else "/v1"
        async with LiteLLMEmbeddingProvider(
            model, dimensions=2, api_key="key", api_base=server.origin + path, batch_size=40
        ) as adapter:
            assert isinstance(adapter, EmbeddingProvider)
            vectors = await adapter.embed(["x" * n for n in range(100)])
            assert await adapter.embed([]) == []
            assert await adapter.embed_one("abc") == [3.0, 0.5]
    assert [vector[0] for vector in vectors] == list(range(100))
    assert [len(body_of(r)["input"]) for r in server.received] == [40, 40, 20, 1]


async def test_short_batches_and_vectors_are_service_errors() -> None:
    def respond(received: Received) -> Reply:
        body = json.loads(_vectors(received).body)
        body["data"].pop()
        return Reply(json.dumps(body).encode())

    with served(respond) as server:
        for options in ({"dimensions": 2}, {"dimensions": 3}):
            async with LiteLLMEmbeddingProvider(
                "openai/m", api_key="key", api_base=f"{server.origin}/v1", **options
            ) as adapter:
                with pytest.raises(ProviderServiceError):
                    await adapter.embed(["a", "b"])


async def test_another_length_is_asked_of_models_whose_own_is_known() -> None:
    with served(_vectors) as server:
        async with LiteLLMEmbeddingProvider(
            "text-embedding-3-small", dimensions=2, api_key="key", api_base=f"{server.origin}/v1"
        ) as adapter:
            await adapter.embed(["a"])
    assert body_of(server.received[0])["dimensions"] == 2


def test_dimensions_are_known_at_construction() -> None:
    assert LiteLLMEmbeddingProvider("voyage/voyage-4", api_key="key").dimensions == 1024
    with pytest.raises(ValueError, match="pass dimensions="):
        LiteLLMEmbeddingProvider("voyage/of-tomorrow", api_key="key")
