"""What several tests need."""

from __future__ import annotations

import importlib
from pathlib import Path

from tck.adapter import AdapterUnderTest
from tck.targets import Target, capabilities
from tck.wire.dialects import dialect_for

REPOSITORY = Path(__file__).parent.parent


def target_of(adapter: AdapterUnderTest) -> Target:
    """An adapter as the command line would have loaded it."""
    return Target(
        spelled=f"tests:{adapter.name}",
        adapter=adapter,
        dialect=dialect_for(adapter.wire),
        errors=importlib.import_module(adapter.errors),
        capabilities=capabilities(adapter),
    )
