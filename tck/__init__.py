"""A conformance kit for LLM provider adapters: describe an adapter, and have it graded."""

from tck.adapter import AdapterUnderTest, Endpoint

__version__ = "0.1.0"

__all__ = ["AdapterUnderTest", "Endpoint", "__version__"]
