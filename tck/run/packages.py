"""The versions of what is loaded, for the report."""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib import metadata

_REPORTED = (
    *("aiohttp", "anthropic", "google-genai", "groq", "httpx", "httpx2", "hypothesis", "litellm"),
    *("mistralai", "ollama", "openai", "pydantic", "requests", "sentence-transformers"),
    *("together", "torch", "urllib3", "vcrpy"),
)
_MODULES = {"vcrpy": "vcr", "google-genai": "google.genai"}


def loaded_packages() -> dict[str, str]:
    """Versions of the SDKs and HTTP libraries that this process has loaded, and of hypothesis."""
    found = {}
    for name in _REPORTED:
        if _MODULES.get(name, name.replace("-", "_")) in sys.modules:
            with suppress(metadata.PackageNotFoundError):
                found[name] = metadata.version(name)
    return found
