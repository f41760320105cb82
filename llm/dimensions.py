"""Whether a store's vector indexes fit the provider that fills them."""

from collections.abc import Mapping

from llm.errors import EmbeddingDimensionMismatchError
from llm.protocols import EmbeddingProvider


def check_index_dimensions(provider: EmbeddingProvider, indexes: Mapping[str, int]) -> None:
    """Compare a provider's vectors with the indexes of a store, when it connects.

    Args:
        provider: what fills the indexes.
        indexes: for each index, by its name, the length of the vectors that it was made for.

    Raises:
        EmbeddingDimensionMismatchError: of the first index, in the order given, that was
            made for another length. ``expected_dimensions`` is the provider's,
            ``actual_dimensions`` the index's.

    Source: the provider API reference, dimension check at connect time.
    """
    for name, length in indexes.items():
        if length != provider.dimensions:
            raise EmbeddingDimensionMismatchError(
                f"the index {name!r} holds vectors of length {length}, and {provider.model} gives "
                f"{provider.dimensions}: rebuild the index, or use the model that it was made with",
                expected_dimensions=provider.dimensions,
                actual_dimensions=length,
                index_name=name,
            )
