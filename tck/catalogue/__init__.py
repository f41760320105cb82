"""The requirements, as data.

The TOML files beside this module are the catalogue; this module only reads them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

Tier = Literal["bronze", "silver"]
Level = Literal["must", "should"]
Capability = Literal["chat", "errors", "embedding", "structured", "backend", "recordings"]

_FILES = ("chat", "errors", "embedding", "structured", "backend", "recordings")

EDITION = "2026.1"
"""Another when a requirement is added, retired or says something else."""


@dataclass(frozen=True)
class Requirement:
    """One thing that an adapter must or should do."""

    id: str
    """Permanent: a requirement may be retired, never renumbered or reused."""
    tier: Tier
    level: Level
    capability: Capability
    title: str
    text: str
    source: str
    """Where it comes from: the provider API reference, the backend interface, or the kit."""
    look_at: str
    """What to look at first when an adapter breaks it."""
    limit: str | None = None
    """The limit that exempts an adapter, after a check of the claim."""


@cache
def requirements() -> dict[str, Requirement]:
    """The whole catalogue by id, in the order of its files."""
    return {
        entry["id"]: Requirement(**entry)
        for name in _FILES
        for entry in tomllib.loads(
            files(__name__).joinpath(f"{name}.toml").read_text(encoding="utf-8")
        )["requirement"]
    }


def denominator(capabilities: Collection[Capability]) -> list[Requirement]:
    """Every requirement of the capabilities: what an adapter with them is graded on."""
    return [
        requirement
        for requirement in requirements().values()
        if requirement.capability in capabilities
    ]
