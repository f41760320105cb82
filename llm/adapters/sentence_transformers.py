"""Embedding models that run in this process, through ``sentence-transformers``."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llm._translation import ErrorTable
from llm.adapters._base import without_prefix
from llm.adapters._embedding import EmbeddingAdapter, Numbered
from llm.adapters._extras import import_sdk, require_sdk
from llm.errors import ProviderAuthError, ProviderInvalidRequestError, ProviderServiceError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

ERRORS: ErrorTable = {
    "GatedRepoError": ProviderAuthError,
    "DisabledRepoError": ProviderAuthError,
    "RepositoryNotFoundError": ProviderInvalidRequestError,
    "RevisionNotFoundError": ProviderInvalidRequestError,
    "HFValidationError": ProviderInvalidRequestError,
    "FileNotFoundError": ProviderInvalidRequestError,
    "ValueError": ProviderInvalidRequestError,
    "OSError": ProviderServiceError,
}
"""What is raised while a model is loaded: sentence-transformers has no classes of its own."""

_LARGEST_BATCH = 4096
"""Texts that the thread takes at a time, so that a long call lets others in between."""


class SentenceTransformersProvider(EmbeddingAdapter[ThreadPoolExecutor]):
    """A model of Hugging Face, or of a folder, that this process runs.

    The model is loaded at the first call, or before by `load`, and runs in a thread of its
    own: the event loop never waits for it. Calls take turns.

    Args:
        model: a Hugging Face id (``BAAI/bge-m3``), one of sentence-transformers' own
            models without its namespace (``all-MiniLM-L6-v2``), or a folder; each with or
            without the prefix ``sentence-transformers/``.
        dimensions: length of the vectors. Needed for a model that `llm.defaults` does not
            know; a smaller one cuts the vectors of a model that is made for it.
        timeout: seconds for a whole call, the loading of the model included; ``None`` sets no
            limit.
        device: ``"cpu"``, ``"cuda"``, …; ``None`` takes the best there is.
        batch_size: texts that the model computes together.
        normalize: scale every vector to length 1.
        options: passed to ``sentence_transformers.SentenceTransformer``.

    Raises:
        ValueError: the model's dimensions are not known and were not passed.
        ImportError: sentence-transformers is not installed.
    """

    def __init__(
        self,
        model: str,
        *,
        dimensions: int | None = None,
        timeout: float | None = None,
        device: str | None = None,
        batch_size: int = 32,
        normalize: bool = False,
        **options: Any,
    ) -> None:
        require_sdk("sentence_transformers")
        name = without_prefix(model, "sentence-transformers")
        # One thread, because the tokenizers must not be used by several at once.
        thread = ThreadPoolExecutor(1, thread_name_prefix="sentence-transformers")
        super().__init__(
            f"sentence-transformers/{name}",
            dimensions=dimensions,
            batch_size=_LARGEST_BATCH,
            client=lambda: nullcontext(thread),
            errors=ERRORS,
            timeout=timeout,
            max_retries=0,
        )
        bare = "/" not in name and not Path(name).is_dir()
        self._name = f"sentence-transformers/{name}" if bare else name
        if self._differs_from_default:
            options["truncate_dim"] = self.dimensions
        self._options = {"device": device, **options}
        self._encoding = {"batch_size": batch_size, "normalize_embeddings": normalize}
        self._loaded: SentenceTransformer | None = None

    async def load(self) -> None:
        """Load the model now, rather than at the first call.

        Raises:
            ProviderError: it cannot be loaded.
        """
        await self._call(lambda thread: self._request(thread, []), self._deadline(None))

    async def _request(self, client: ThreadPoolExecutor, texts: list[str]) -> Numbered:
        loop = asyncio.get_running_loop()
        return enumerate(await loop.run_in_executor(client, self._encode, texts))

    def _encode(self, texts: list[str]) -> list[list[float]]:
        model = self._loaded
        if model is None:
            sdk = import_sdk("sentence_transformers")
            model = self._loaded = sdk.SentenceTransformer(self._name, **self._options)
        vectors: list[list[float]] = model.encode(
            texts, show_progress_bar=False, convert_to_numpy=True, **self._encoding
        ).tolist()
        return vectors

    async def aclose(self) -> None:
        """Let go of the model. A later call loads it again."""
        self._loaded = None
        await super().aclose()
