"""The scenarios: what is recorded once and replayed for ever.

They are data, in ``fixtures/scenarios.toml``; this module reads them and plays them on a
provider, the same way when recording and when replaying.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, create_model

from llm import ChatMessage
from tck.adapter import AdapterUnderTest
from tck.catalogue import Capability
from tck.resources import resource

Kind = Literal["chat", "structured", "embedding"]

# Names that the types of response models may use, besides Python's own.
_TYPE_NAMES = {"Annotated": Annotated, "Field": Field, "Literal": Literal}


@dataclass(frozen=True)
class Scenario:
    """One call, or what one call of the contract sends."""

    name: str
    """Also the name of its cassette, without the ``.json``."""
    kind: Kind
    data: Mapping[str, Any]
    """The whole entry of the file: messages or texts, and parameters."""

    @property
    def wrong_key(self) -> bool:
        return self.data.get("key") == "wrong"

    @property
    def errors(self) -> tuple[int, ...]:
        """The statuses of an expected refusal; empty if the provider must answer."""
        return tuple(self.data.get("error", ()))

    @property
    def ends(self) -> str | None:
        """``stopped`` or ``cut``, where the reply must have ended like that."""
        ends: str | None = self.data.get("ends")
        return ends

    @property
    def factory(self) -> Literal["chat", "embedding"]:
        """Which factory of an adapter builds the provider."""
        return "embedding" if self.kind == "embedding" else "chat"

    @property
    def may_fail(self) -> bool:
        """Whether an extraction is kept even if no attempt validates."""
        return bool(self.data.get("may_fail"))

    @cached_property
    def response_model(self) -> type[BaseModel]:
        """What a structured scenario asks for."""
        known: dict[str, Any] = dict(_TYPE_NAMES)
        for name, fields in self.data["models"].items():
            typed: dict[str, Any] = {field: (type_, ...) for field, type_ in fields.items()}
            model = create_model(name, **typed)
            model.model_rebuild(_types_namespace=known)
            known[name] = model
        found: type[BaseModel] = known[self.data["response_model"]]
        return found

    @property
    def digest(self) -> str:
        """Tells whether a recording was made of the scenario as it is now."""
        canonical = json.dumps(self.data, ensure_ascii=False, sort_keys=True)
        return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()

    async def play(self, provider: Any) -> Any:
        """Make the scenario's call on a provider of its kind, and return what it returns."""
        if self.kind == "embedding":
            return await provider.embed(list(self.data["texts"]))
        messages = [ChatMessage(**message) for message in self.data["messages"]]
        if self.kind == "structured":
            return await provider.complete_structured(
                messages,
                self.response_model,
                temperature=0.0,
                max_retries=self.data["max_retries"],
            )
        parameters = {name: self.data[name] for name in ("max_tokens", "stop") if name in self.data}
        return await provider.complete(messages, temperature=0.0, **parameters)


@cache
def scenarios() -> dict[str, Scenario]:
    """Every scenario by its name, in the order of the file."""
    text = resource("fixtures", "scenarios.toml").read_text(encoding="utf-8")
    return {
        entry["name"]: Scenario(entry["name"], entry["kind"], entry)
        for entry in tomllib.loads(text)["scenario"]
    }


def scenarios_of(adapter: AdapterUnderTest, capabilities: Collection[Capability]) -> list[Scenario]:
    """The scenarios that an adapter with these capabilities is recorded with."""
    return [
        scenario
        for scenario in scenarios().values()
        if scenario.kind in capabilities and scenario.data.get("needs") not in adapter.limits
    ]
