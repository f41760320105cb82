"""How an adapter is described to the kit."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LIMITS = ("stop", "temperature")
"""What an adapter may declare that its provider cannot do."""

ERROR_NAMES = (
    "ProviderError",
    "ProviderAuthError",
    "ProviderRateLimitError",
    "ProviderTimeoutError",
    "ProviderInvalidRequestError",
    "ProviderServiceError",
    "StructuredExtractionError",
    "EmbeddingDimensionMismatchError",
)
"""Our names of the error classes. The last two are only of extraction and of embeddings."""


class DescriptionError(ValueError):
    """A description that contradicts itself; the message is a sentence that says how to mend it."""


@dataclass(frozen=True)
class Endpoint:
    """Where an adapter is to send its requests, and as whom."""

    base_url: str
    """As the adapter's SDK wants it: with the version for the OpenAI wire
    (``http://127.0.0.1:1234/v1``), without for the Anthropic wire."""
    api_key: str | None = field(repr=False)
    """``None`` only where a check asks what happens without a key."""
    model: str
    """As in `AdapterUnderTest`, or what the recording provider calls its model."""


@dataclass(frozen=True)
class AdapterUnderTest:
    """An adapter and what the kit must know to grade it.

    Each factory takes an `Endpoint` and, from the checks that need them, constructor
    arguments: ``timeout``, ``return_raw``, ``max_retries``, ``dimensions``. It returns a
    new provider every time.

    Raises:
        DescriptionError: the description contradicts itself; the message says how to mend it.
    """

    name: str
    chat: Callable[..., Any] | None = None
    """``(Endpoint, **options) -> LLMProvider``."""
    embedding: Callable[..., Any] | None = None
    """``(Endpoint, **options) -> EmbeddingProvider``."""
    backend: Callable[..., Any] | None = None
    """``(Endpoint, **options) -> BaseBackendLLM``."""
    wire: Any = "openai"
    """The dialect that it speaks: ``"openai"``, ``"anthropic"``, an object with the methods
    of `tck.wire.dialects.model.Dialect`, the name under which a distribution registers one,
    ``"recorded"`` where there is none and only errors can be checked, or ``None`` for an
    adapter that runs in the process. ``None`` goes with ``embedding=`` only: what an adapter
    does with chat cannot be checked without a wire."""
    errors: str | Mapping[str, Any] = "llm.errors"
    """The name of the module that holds its ``ProviderError`` classes, or a mapping from our
    names (`ERROR_NAMES`) to its classes."""
    model: str = "test/model"
    """The model that it is graded with, as its constructor takes it."""
    embedding_model: str | None = None
    """The model for its embeddings, when that is another."""
    limits: Mapping[str, str] = field(default_factory=dict)
    """What its provider cannot do, each with the reason. The claim is checked."""
    cassettes: str | Path | None = None
    """The folder of its recordings. A relative one is looked for in the current folder."""
    hosted: str | None = None
    """The base URL of its hosted provider, as `Endpoint.base_url` would be, for recording."""
    key_variable: str | None = None
    """The environment variable that holds the key of the hosted provider; default: the name
    in capitals and ``_API_KEY``, such as ``ACME_API_KEY``."""

    def __post_init__(self) -> None:
        if not self.name or not self.name.replace("-", "").replace("_", "").isalnum():
            raise DescriptionError(
                f"an adapter's name is made of letters, digits, - and _, and {self.name!r} is not"
            )
        self._assert_factories()
        if self.hosted is not None and not self.hosted.startswith(("https://", "http://")):
            raise DescriptionError(
                f"hosted= of adapter {self.name!r} must be a URL that starts with https://, not "
                f"{self.hosted!r}"
            )
        unknown = sorted(set(self.limits) - set(LIMITS))
        if unknown:
            raise DescriptionError(
                f"adapter {self.name!r} declares unknown limits {', '.join(unknown)}: "
                f"the kit knows {' and '.join(LIMITS)}"
            )
        self._assert_errors()

    def _assert_factories(self) -> None:
        factories = {"chat": self.chat, "embedding": self.embedding, "backend": self.backend}
        if all(factory is None for factory in factories.values()):
            raise DescriptionError(
                f"adapter {self.name!r} has nothing to grade: give it chat=, embedding= or backend="
            )
        for kind, factory in factories.items():
            if factory is not None and not callable(factory):
                raise DescriptionError(
                    f"{kind}= of adapter {self.name!r} must be a function that takes an Endpoint, "
                    f"not {factory!r}"
                )
            if factory is not None and self.wire is None and kind != "embedding":
                raise DescriptionError(
                    f"adapter {self.name!r} has {kind}= and wire=None: without a wire only "
                    f"embedding= can be graded, so name the wire that it speaks, or drop {kind}="
                )

    def _assert_errors(self) -> None:
        if isinstance(self.errors, str):
            return
        if not isinstance(self.errors, Mapping):
            raise DescriptionError(
                f"errors= of adapter {self.name!r} must be the name of a module, or a mapping from "
                f"our names to its classes, not {self.errors!r}"
            )
        unknown = sorted(str(name) for name in self.errors if name not in ERROR_NAMES)
        if unknown:
            raise DescriptionError(
                f"errors= of adapter {self.name!r} has unknown names {', '.join(unknown)}: the "
                f"kit knows {', '.join(ERROR_NAMES)}"
            )
        for name, found in self.errors.items():
            if not is_error_class(found):
                raise DescriptionError(
                    f"errors= of adapter {self.name!r} must map {name} to an exception class, not "
                    f"{found!r}"
                )


def is_error_class(value: object) -> bool:
    """Whether a value is a class of exceptions."""
    return issubclass(type(value), type) and issubclass(value, BaseException)  # type: ignore[arg-type]


def error_classes(
    adapter: AdapterUnderTest, load: Callable[[str], object] = importlib.import_module
) -> Mapping[str, object]:
    """What an adapter gives for each of `ERROR_NAMES`; what it does not give is left out.

    Args:
        adapter: the adapter.
        load: imports a module by its name, where ``errors=`` is one.
    """
    if not isinstance(adapter.errors, str):
        return dict(adapter.errors)
    module = load(adapter.errors)
    return {name: getattr(module, name) for name in ERROR_NAMES if hasattr(module, name)}
