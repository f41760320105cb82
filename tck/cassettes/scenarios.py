"""The scenarios: what is recorded once and replayed for ever.

They are data, in ``fixtures/scenarios.toml``; this module reads them and plays them on a
provider, the same way when recording and when replaying.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from llm import ChatMessage
from tck.adapter import AdapterUnderTest
from tck.resources import resource

Kind = Literal["chat", "embedding"]


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
        """The statuses with which the provider may refuse; empty when it must answer."""
        return tuple(self.data.get("error", ()))

    @property
    def ends(self) -> str | None:
        """``stopped`` or ``cut``, where the reply must have ended like that."""
        ends: str | None = self.data.get("ends")
        return ends

    @property
    def digest(self) -> str:
        """Tells whether a recording was made of the scenario as it is now."""
        canonical = json.dumps(self.data, ensure_ascii=False, sort_keys=True)
        return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()

    async def play(self, provider: Any) -> Any:
        """Make the scenario's call on a provider of its kind, and return what it returns."""
        if self.kind == "embedding":
            return await provider.embed(list(self.data["texts"]))
        parameters = {name: self.data[name] for name in ("max_tokens", "stop") if name in self.data}
        messages = [ChatMessage(**message) for message in self.data["messages"]]
        return await provider.complete(messages, temperature=0.0, **parameters)


@cache
def scenarios() -> dict[str, Scenario]:
    """Every scenario by its name, in the order of the file."""
    text = resource("fixtures", "scenarios.toml").read_text(encoding="utf-8")
    return {
        entry["name"]: Scenario(entry["name"], entry["kind"], entry)
        for entry in tomllib.loads(text)["scenario"]
    }


def scenarios_of(adapter: AdapterUnderTest) -> list[Scenario]:
    """The scenarios that an adapter has the capabilities for."""
    offered = {"chat": adapter.chat, "embedding": adapter.embedding}
    return [
        scenario
        for scenario in scenarios().values()
        if offered[scenario.kind] is not None and scenario.data.get("needs") not in adapter.limits
    ]
