"""Reads a block in braces or brackets token by token, as people and models write them."""

from __future__ import annotations

import json
import re
from json import JSONDecodeError
from typing import Any

_unescape = json.JSONDecoder(strict=False).decode

DOUBLE = "\u201c\u201d\u201e\u201f\u2033\uff02"
_SINGLE = "\u2018\u2019\u201a\u201b\u2032"
FAMILIES = ('"', "'", DOUBLE, _SINGLE)
QUOTES = "".join(FAMILIES)
_CLOSER: dict[type, str] = {dict: "}", list: "]"}
# Whatever a string is opened with, it ends at the first quote of that family, or not at all.
_STRINGS = {
    quote: re.compile(rf"[{family}]([^{family}\\]*+(?:\\.[^{family}\\]*+)*+)[{family}]", re.DOTALL)
    for family in FAMILIES
    for quote in family
}
BETWEEN = re.compile(
    r"(?:[\s\u200b-\u200d\u2060\ufeff]++|//[^\n]*+|#[^\n]*+"
    r"|/\*(?:.*?\*/|.*)|<!--(?:.*?-->|.*))*+",
    re.DOTALL,
)
_NUMBER = re.compile(r"(-?(?:0|[1-9][0-9]*+))(\.[0-9]++)?([eE][+-]?[0-9]++)?(?![\w.+-])")
_WORD = re.compile(r"-?[A-Za-z]++(?![\w.+-])")
_NAME = re.compile(r"(?:[^\W\d]|\$)[\w$-]*+")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPE_OR_DOUBLE = re.compile(r'\\(.)|"', re.DOTALL)
_DOUBTFUL_ESCAPES = set("bfnrtxU0123456789")
_DOUBTFUL: Any = object()
"""In place of a string whose end is certain and whose contents are not."""
_WORDS = {
    "true": True,
    "false": False,
    "null": None,
    "True": True,
    "False": False,
    "None": None,
    "NaN": float("nan"),
    "Infinity": float("inf"),
    "-Infinity": float("-inf"),
}

_DEEPEST = 1000


def end_of(pattern: re.Pattern[str], text: str, start: int) -> int:
    """Where a pattern that always matches, if only the empty text, stops matching."""
    return pattern.match(text, start).end()  # type: ignore[union-attr]


class BlockError(Exception):
    """A block does not read as JSON."""

    position = 0
    """Where it ceased to."""
    depth = 0
    """How many brackets were open there; 0 where it has ended."""
    begun = False
    """Whether a part of it had been read."""


class CutOffError(BlockError):
    """The text ends inside it."""


class MalformedError(BlockError):
    """It is not of the grammar, or not certainly."""


def read_block(text: str, start: int, opener: str) -> tuple[Any, int]:
    """Read a block token by token, taking the character at ``start`` for its opener.

    Raises:
        CutOffError: the text ends before the block does.
        MalformedError: it is not of the grammar, or not certainly.
    """
    container: Any = {} if opener == "{" else []
    outer: list[tuple[Any, Any]] = []
    key: Any = None
    position, doubtful = start + 1, False
    try:
        while True:
            position = _next(text, position)
            if text[position] == _CLOSER[type(container)]:
                value, position = container, position + 1
                if not outer:
                    break
                container, key = outer.pop()
            else:
                if type(container) is dict:
                    key, position = _key(text, position)
                if text[position] in "{[":
                    outer.append((container, key))
                    container = {} if text[position] == "{" else []
                    position += 1
                    if len(outer) > _DEEPEST:
                        raise JSONDecodeError("Too deep", text, position)
                    continue
                value, position = _scalar(text, position)
            doubtful = doubtful or key is _DOUBTFUL or value is _DOUBTFUL
            _put(container, key, value)
            position = _next(text, position)
            if text[position] in ",\uff0c":
                position += 1
            elif text[position] != _CLOSER[type(container)]:
                raise MalformedError
    except BlockError as error:
        error.position, error.depth = position, len(outer) + 1
        error.begun = bool(container or outer) or key is not None
        raise
    if doubtful:
        malformed = MalformedError()
        malformed.position, malformed.begun = position, True
        raise malformed
    return value, position


def _put(container: Any, key: Any, value: Any) -> None:
    if type(container) is dict:
        container[key] = value
    else:
        container.append(value)


def _next(text: str, position: int) -> int:
    """Where the next token is, after white space and comments."""
    position = end_of(BETWEEN, text, position)
    if position == len(text):
        raise CutOffError
    return position


def _key(text: str, position: int) -> tuple[Any, int]:
    """A key, and where its value begins."""
    if text[position] in _STRINGS:
        key, position = _string(text, position)
    else:
        name = _NAME.match(text, position)
        if name is None:
            raise MalformedError
        key, position = name[0], name.end()
    position = _next(text, position)
    if text[position] not in ":\uff1a":
        raise MalformedError
    return key, _next(text, position + 1)


def _scalar(text: str, position: int) -> tuple[Any, int]:
    if text[position] in _STRINGS:
        return _string(text, position)
    if number := _NUMBER.match(text, position):
        try:
            convert = float if number[2] or number[3] else int
            return convert(number[0]), number.end()
        except ValueError as error:  # more digits than Python converts
            raise JSONDecodeError(f"Too long ({error})", text, position) from None
    word = _WORD.match(text, position)
    if word is None or word[0] not in _WORDS:
        raise MalformedError
    return _WORDS[word[0]], word.end()


def _string(text: str, position: int) -> tuple[Any, int]:
    quote = text[position]
    string = _STRINGS[quote].match(text, position)
    if string is None:
        raise CutOffError
    body = string[1]
    return (_unescaped(body, quote) if "\\" in body else body), string.end()


def _unescaped(body: str, quote: str) -> Any:
    """The contents of a string that holds backslashes, or `_DOUBTFUL`."""
    family = next(family for family in FAMILIES if quote in family)
    if quote != '"':
        body = _requoted(body, family)
    escapes = set(_ESCAPE.findall(body))
    unknown = escapes - set('"\\/bfnrtu')
    if unknown:
        # Is the \b of "\alpha \beta" a backspace? Is '\x41' an A, as it is in Python?
        if quote != '"' or escapes & _DOUBTFUL_ESCAPES:
            return _DOUBTFUL
        body = _ESCAPE.sub(lambda match: f"\\{match[0]}" if match[1] in unknown else match[0], body)
    try:
        return _unescape(f'"{body}"')
    except ValueError:
        return _DOUBTFUL


def _requoted(body: str, family: str) -> str:
    """The contents of a string between ``family``'s quotes as JSON would have them.

    Its own quotes need no backslash any more, and plain double ones need one now.
    """

    def rewritten(match: re.Match[str]) -> str:
        escaped: str | None = match[1]
        if escaped is None:
            return '\\"'
        return escaped if escaped in family else match[0]

    return _ESCAPE_OR_DOUBLE.sub(rewritten, body)
