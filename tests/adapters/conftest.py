"""Tests that name an SDK are collected where it is installed; tox has an environment for each."""

from importlib.util import find_spec

_NEEDS = {
    "test_anthropic.py": "anthropic",
    "test_litellm.py": "litellm",
    "test_openai.py": "openai",
    "test_sentence_transformers.py": "sentence_transformers",
}

collect_ignore = [file for file, sdk in _NEEDS.items() if find_spec(sdk) is None]
