"""What the SDKs themselves say of a response: the JSON schemas of their models."""

from __future__ import annotations

import importlib
from typing import Any

from tck.drift.model import SdkModel
from tck.wire.dialects.model import Dialect, Route

# Names, not imports: an SDK that is not installed is left out.
SDK_MODELS: dict[str, dict[Route, str]] = {
    "openai": {
        "chat": "openai.types.chat:ChatCompletion",
        "embeddings": "openai.types:CreateEmbeddingResponse",
    },
    "anthropic": {"chat": "anthropic.types:Message"},
}
"""By dialect and route, where the SDK's model of a successful response is."""


def sdk_models(dialect: Dialect) -> dict[Route, SdkModel]:
    """The models that the SDK of a wire has of its responses; none for a wire without one."""
    named = SDK_MODELS.get(dialect.name, {})
    return {route: sdk_model(name) for route, name in named.items()}


def sdk_model(name: str) -> SdkModel:
    """An SDK's model by its ``module:class``, or why it cannot be had."""
    module, _, attribute = name.partition(":")
    try:
        model: Any = getattr(importlib.import_module(module), attribute)
        return SdkModel(name, model.model_json_schema())
    except ModuleNotFoundError as error:
        absent = error.name == module.partition(".")[0]
        return SdkModel(name, None, "not installed" if absent else str(error))
    except Exception as error:  # noqa: BLE001 - the models of an SDK only inform
        return SdkModel(name, None, f"cannot be read: {type(error).__name__}: {error}")
