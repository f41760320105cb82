"""What is known of models before the first request."""

EMBEDDING_DIMENSIONS: dict[str, int] = {
    "openai/text-embedding-3-large": 3072,
    "openai/text-embedding-3-small": 1536,
    "openai/text-embedding-ada-002": 1536,
}
"""Length of the vectors of an embedding model, by its canonical name."""


def lookup_embedding_dimensions(model: str) -> int | None:
    """Length of the vectors of ``model``, with or without its provider prefix.

    ``None`` when the model is not known.
    """
    return EMBEDDING_DIMENSIONS.get(model) or _BY_BARE_NAME.get(model.rpartition("/")[2])


_BY_BARE_NAME = {name.rpartition("/")[2]: length for name, length in EMBEDDING_DIMENSIONS.items()}
