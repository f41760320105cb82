"""The second, smaller contract: a backend is called with messages and answers.

`BaseBackendLLM` is the contract. `ProviderBackendLLM` makes a backend of any provider, and
`BackendProvider` a provider of any backend. With the first, every service that a provider
reaches is a backend by configuration: see ``examples/backends.py``.
"""

from llm.backends.base import BaseBackendLLM
from llm.backends.from_provider import ProviderBackendLLM
from llm.backends.to_provider import BackendProvider

__all__ = ["BackendProvider", "BaseBackendLLM", "ProviderBackendLLM"]
