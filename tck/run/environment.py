"""An environment in which an adapter meets the kit and nothing else."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

# A proxy would take requests to loopback elsewhere; a key or a base URL of the person who
# runs the kit would make an adapter behave otherwise for them than for others.
_FOREIGN = re.compile(
    r".*_PROXY|.*_(API_KEY|AUTH_TOKEN|BASE_URL|API_BASE)|(OPENAI|ANTHROPIC|AZURE_OPENAI)_.*",
    re.IGNORECASE,
)


@contextmanager
def isolated_environment() -> Iterator[None]:
    """Hide proxies, keys and base URLs from the environment while the context is open."""
    hidden = {name: value for name, value in os.environ.items() if _FOREIGN.fullmatch(name)}
    for name in hidden:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(hidden)
