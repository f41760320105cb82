"""Coverage-guided fuzzing of `llm.tolerant_json.loads` with atheris.

    python tests/fuzz_tolerant_json.py -max_total_time=60 -seed=1

`tox -e fuzz` runs it after the property tests, where atheris can be installed.
"""

from __future__ import annotations

import json
import sys

import atheris

with atheris.instrument_imports(include=["llm.tolerant_json", "llm._json_tokens"]):
    from llm.tolerant_json import loads

# What a text is made of: single bytes would take long to become a brace in a fence.
PIECES = (
    *("{", "}", "[", "]", ":", ",", '"', "'", "\\", "\n", " ", "\t", "“", "”", "‘", "’", "#"),
    *("//", "/*", "*/", "<!--", "-->", "```", "```json\n", "<think>", "</think>", "\ufeff"),
    *('"a"', '"b": ', "“c”", "'d'", "e: ", "{x}", "true", "None", "NaN", "-1", "1e5", "0"),
    *("\\u00e9", "\\ud83d", "\\x41", '\\"', ",}", ",]", '{"a": 1}', "é", "😀", "\ud83d", "x"),
)


def text_of(data: bytes) -> str:
    """A text whose pieces the bytes choose."""
    return "".join(PIECES[byte % len(PIECES)] for byte in data)


def check(data: bytes) -> None:
    """Raise when a law does not hold."""
    text = text_of(data)
    try:
        value = loads(text)
    except json.JSONDecodeError:
        value = None
    assert value is None or type(value) is dict, text
    try:
        strict = json.loads(text)
    except (ValueError, RecursionError):
        strict = None
    if isinstance(strict, dict):
        assert json.dumps(value) == json.dumps(strict), text
    elif strict is not None:
        assert value is None, text
    if value is not None:
        assert json.dumps(loads(json.dumps(value))) == json.dumps(value), text


if __name__ == "__main__":
    atheris.Setup(sys.argv, check)
    atheris.Fuzz()
