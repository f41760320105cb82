"""The error classes by themselves."""

from __future__ import annotations

import pickle

import llm
from llm import EmbeddingDimensionMismatchError, ProviderError, ProviderRateLimitError


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
