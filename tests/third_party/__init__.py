"""Other people's adapters: each description, and which of them can be tested here."""

from importlib.util import find_spec

_NEEDED = {
    "neo4j_agent_memory": ("neo4j_agent_memory", "openai", "anthropic"),
    "neo4j_agent_memory_litellm": ("neo4j_agent_memory", "litellm"),
    "memora_core": ("memora",),
}

DESCRIBED = [
    module for module, packages in _NEEDED.items() if all(find_spec(name) for name in packages)
]
"""The modules whose packages are installed: each has a tox environment of its own."""
