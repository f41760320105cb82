"""Where the recordings and fixtures that come with the kit are.

In a wheel they lie inside the package; in a checkout they lie beside it.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent
_IN_WHEEL = _PACKAGE / "_bundled"


def resource(*parts: str) -> Path:
    """The path of a bundled file or folder, such as ``resource("cassettes", "openai")``."""
    root = _IN_WHEEL if _IN_WHEEL.is_dir() else _PACKAGE.parent
    return root.joinpath(*parts)
