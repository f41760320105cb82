"""Which requirements are asked for: the expression of ``-k``.

It is as of pytest's ``-k``, whose own parser is private to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from tck.catalogue import requirements

Matches = Callable[[str], bool]
"""Whether a text, in lower case, is meant."""

_TOKEN = re.compile(r"\s*(\(|\)|[^\s()]+)")


class SelectionError(Exception):
    """The expression selects nothing, or is none; the message is one sentence."""


def selected(expression: str | None) -> frozenset[str] | None:
    """The ids of the requirements that an expression matches; ``None`` for all of them.

    Args:
        expression: parts of ids or titles, in any case, with ``and``, ``or``, ``not`` and
            parentheses.

    Raises:
        SelectionError: it cannot be read, or matches nothing.
    """
    if expression is None:
        return None
    try:
        matches = _Parser(expression).parsed()
        found = frozenset(
            requirement.id
            for requirement in requirements().values()
            if matches(f"{requirement.id} {requirement.title}".lower())
        )
    except RecursionError as error:
        raise SelectionError("-k is nested too deep: write it with fewer parentheses") from error
    if not found:
        raise SelectionError(
            f"-k {expression!r} matches no requirement: give parts of ids or titles, as `tck list` "
            "shows them"
        )
    return found


class _Parser:
    """Recursive descent: ``or`` binds loosest, then ``and``, then ``not``."""

    def __init__(self, expression: str) -> None:
        self._expression = expression
        self._tokens = _TOKEN.findall(expression)

    def parsed(self) -> Matches:
        matches = self._either()
        if self._tokens:
            raise self._error(f"{self._tokens[0]!r} where it should end")
        return matches

    def _either(self) -> Matches:
        parts = [self._both()]
        while self._next_is("or"):
            parts.append(self._both())
        return lambda text: any(part(text) for part in parts)

    def _both(self) -> Matches:
        parts = [self._single()]
        while self._next_is("and"):
            parts.append(self._single())
        return lambda text: all(part(text) for part in parts)

    def _single(self) -> Matches:
        if self._next_is("not"):
            inner = self._single()
            return lambda text: not inner(text)
        if self._next_is("("):
            inner = self._either()
            if not self._next_is(")"):
                raise self._error("a parenthesis is not closed")
            return inner
        if not self._tokens or self._tokens[0].lower() in _WORDS:
            found = repr(self._tokens[0]) if self._tokens else "nothing"
            raise self._error(f"{found} where a part of an id or title is expected")
        part = self._tokens.pop(0).lower()
        return lambda text: part in text

    def _next_is(self, token: str) -> bool:
        if self._tokens and self._tokens[0].lower() == token:
            del self._tokens[0]
            return True
        return False

    def _error(self, what: str) -> SelectionError:
        return SelectionError(
            f"-k {self._expression!r} is no expression: {what}; write one such as "
            "'CHAT and not usage'"
        )


_WORDS = {"and", "or", ")"}
