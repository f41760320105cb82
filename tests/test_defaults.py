"""What is known of models before the first request."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from llm import EmbeddingDimensionMismatchError
from llm.defaults import EMBEDDING_DIMENSIONS as DIMENSIONS
from llm.defaults import _endings, lookup_embedding_dimensions
from llm.dimensions import check_index_dimensions


@pytest.mark.parametrize(
    ("model", "length"),
    [
        ("text-embedding-3-small", 1536),
        ("openai/text-embedding-3-small", 1536),
        ("azure/text-embedding-3-small", 1536),
        ("azure/eu/text-embedding-3-large", 3072),
        ("OpenAI/Text-Embedding-3-Small", 1536),
        ("embed-v4.0", 1536),
        ("cohere/embed-english-v3.0", 1024),
        ("voyage/voyage-3-lite", 512),
        ("vertex_ai/text-embedding-005", 768),
        ("gemini/gemini-embedding-001", 3072),
        ("bedrock/amazon.titan-embed-text-v2:0", 1024),
        ("bedrock/us-gov-west-1/amazon.titan-embed-text-v2:0", 1024),
        ("bedrock/eu.cohere.embed-v4:0", 1536),
        ("mistral/mistral-embed", 1024),
        ("jina/jina-embeddings-v3", 1024),
        ("nomic/nomic-embed-text-v1.5", 768),
        ("all-MiniLM-L6-v2", 384),
        ("sentence-transformers/all-MiniLM-L6-v2", 384),
        ("sentence-transformers/BAAI/bge-m3", 1024),
        ("baai/bge-m3", 1024),
        ("nobody/knows-it", None),
        ("openai", None),
        ("", None),
    ],
)
def test_lookup(model: str, length: int | None) -> None:
    assert lookup_embedding_dimensions(model) == length


def test_every_key_is_found_and_no_two_providers_disagree_on_a_bare_name() -> None:
    by_ending: dict[str, int] = {}
    for model, length in DIMENSIONS.items():
        assert lookup_embedding_dimensions(model) == length > 0
        for ending in _endings(model):
            assert by_ending.setdefault(ending, length) == length, ending


def test_indexes_that_fit() -> None:
    provider: Any = SimpleNamespace(model="acme/embed", dimensions=3)
    check_index_dimensions(provider, {})
    check_index_dimensions(provider, {"facts": 3, "people": 3})


def test_the_first_index_that_disagrees_is_named() -> None:
    provider: Any = SimpleNamespace(model="acme/embed", dimensions=3)
    with pytest.raises(EmbeddingDimensionMismatchError, match=r"'people'.*acme/embed gives 3") as e:
        check_index_dimensions(provider, {"facts": 3, "people": 4, "places": 5})
    assert (e.value.expected_dimensions, e.value.actual_dimensions) == (3, 4)
    assert e.value.index_name == "people"
