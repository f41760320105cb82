"""The parsers that are measured side by side, each as a function from text to a value."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from importlib import metadata
from typing import Any

Parser = Callable[[str], Any]

# Name in the tables -> (distribution, module, attribute). The strict parsers read clean text
# only; they show what reading costs when nothing has to be repaired.
_PARSERS = {
    "llm.tolerant_json": ("llm-provider-tck", "llm.tolerant_json", "loads"),
    "json": (None, "json", "loads"),
    "orjson": ("orjson", "orjson", "loads"),
    "jiter": ("jiter", "jiter", "from_json"),
    "fast-json-repair": ("fast-json-repair", "fast_json_repair", "loads"),
    "json_repair": ("json-repair", "json_repair", "loads"),
    "neo4j-agent-memory": (
        "neo4j-agent-memory",
        "neo4j_agent_memory.llm.structured",
        "_tolerant_json_parse",
    ),
    "partial-json-parser": ("partial-json-parser", "partial_json_parser", "loads"),
    "dirtyjson": ("dirtyjson", "dirtyjson", "loads"),
    "json5": ("json5", "json5", "loads"),
    "demjson3": ("demjson3", "demjson3", "decode"),
}


def parsers() -> dict[str, Parser]:
    """Every parser that is installed, ours first."""
    found: dict[str, Parser] = {}
    for name, (_, module, attribute) in _PARSERS.items():
        try:
            function = getattr(importlib.import_module(module), attribute)
        except ImportError:
            continue
        found[name] = _of_bytes(function) if name == "jiter" else function
    return found


def _of_bytes(function: Callable[[bytes], Any]) -> Parser:
    return lambda text: function(text.encode())


def version(name: str) -> str:
    """The version of a parser's distribution."""
    distribution = _PARSERS[name][0]
    return "" if distribution is None else metadata.version(distribution)


def value_of(parser: Parser, text: str) -> Any:
    """The object that a parser reads; `Raised` for anything that no caller takes for one."""
    try:
        value = parser(text)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt | TimeoutError):
            raise
        return Raised
    value = _plain(value)
    return value if isinstance(value, dict) else Raised


class Raised:
    """Stands for an exception, or for a value that is no object."""


def _plain(value: Any) -> Any:
    """Containers of a library's own as dicts and lists."""
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def same(one: Any, other: Any) -> bool:
    """Equality that tells 1 from True, and finds NaN equal to NaN."""
    if one is Raised or other is Raised:
        return one is other
    return _canonical(one) == _canonical(other)


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=repr)
