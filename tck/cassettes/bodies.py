"""HTTP bodies as JSON values that a reviewer can read and that give back every byte.

=============  ====================================================================
``json``       a JSON body that was all on one line, laid out over several; ``spaced``
               says whether a space followed its commas and colons
``text``       any other text, split at its line feeds
``base64``     whatever is not UTF-8
=============  ====================================================================

A number or an escape is never rewritten: laying out adds white space between tokens and
touches no token.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_OPENING, _CLOSING = "{[", "}]"


def encode(body: bytes) -> dict[str, Any]:
    """A body as a JSON value, from which `decode` makes the same bytes."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode("ascii")}
    if _is_json(text):
        tokens = _TOKEN.findall(text)
        for spaced in (False, True):
            if _join(tokens, spaced=spaced) == text:
                return {"json": _layout(tokens), "spaced": spaced}
    return {"text": text.split("\n")}


def decode(value: dict[str, Any]) -> bytes:
    """The bytes that `encode` was given.

    Raises:
        ValueError: it is not what `encode` makes.
    """
    match value:
        case {"json": [*lines], "spaced": bool(spaced)}:
            tokens = [token for line in lines for token in _TOKEN.findall(line)]
            return _join(tokens, spaced=spaced).encode("utf-8")
        case {"text": [*lines]}:
            return "\n".join(lines).encode("utf-8")
        case {"base64": str(text)}:
            try:
                return base64.b64decode(text, validate=True)
            except binascii.Error as error:
                raise ValueError(f"a body is not base64: {error}") from error
    raise ValueError("a body is neither json, text nor base64")


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _join(tokens: list[str], *, spaced: bool) -> str:
    return "".join(f"{token} " if spaced and token in (",", ":") else token for token in tokens)


def _layout(tokens: list[str]) -> list[str]:
    """One member a line, but arrays without objects and arrays in them on a single one."""
    lines = [""]
    depth = 0
    flat = _flat_brackets(tokens)
    inside_flat = 0
    for position, token in enumerate(tokens):
        if position in flat:
            inside_flat += 1 if token in _OPENING else -1
            lines[-1] += token
        elif token in _OPENING:
            depth += 1
            lines[-1] += token
            lines.append("  " * depth)
        elif token in _CLOSING:
            depth -= 1
            lines.append("  " * depth + token)
        elif token == ",":
            lines[-1] += ", " if inside_flat else ","
            if not inside_flat:
                lines.append("  " * depth)
        else:
            lines[-1] += ": " if token == ":" else token
    return lines


def _flat_brackets(tokens: list[str]) -> set[int]:
    """Positions of the brackets that hold no brackets: of empty objects and simple arrays."""
    flat: set[int] = set()
    opened: int | None = None
    for position, token in enumerate(tokens):
        if token in _OPENING:
            opened = position
        elif token in _CLOSING:
            if opened is not None and (tokens[opened] == "[" or position == opened + 1):
                flat |= {opened, position}
            opened = None
    return flat
