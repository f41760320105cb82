"""Comparing what an adapter has returned, so that its objects have no say in the verdict.

A `str` of the adapter may equal everything, a list may lie about its length, and ``__class__``
may be a property. So values are taken apart by the methods of the built-in types, and only
built-in values are compared. An honest subclass, such as a string enum, is worth its value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pydantic import BaseModel

from llm import ChatMessage
from tck.verdicts import Violation

_MISSING = object()


def lineage(kind: type) -> tuple[type, ...]:
    """The real classes that a class inherits, itself first."""
    classes: tuple[type, ...] = type.__dict__["__mro__"].__get__(kind)
    return classes


def inherits(kind: type, base: type) -> bool:
    """As `issubclass`, which a metaclass cannot overrule."""
    return any(ancestor is base for ancestor in lineage(kind))


def is_a(value: object, kind: type) -> bool:
    """As `isinstance`, which neither ``__class__`` nor a metaclass can overrule."""
    return inherits(type(value), kind)


def plain(value: Any) -> Any:
    """A value of a built-in type, without what a subclass makes of it.

    Lists, tuples and dicts are copied with all that is in them. What is of no built-in type
    comes back as it is.
    """
    if type(value) is not bool:  # of which nobody can inherit, and which is an int
        for kind, copied in _COPIES:
            if is_a(value, kind):
                return copied(value)
    return value


_COPIES: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (str, str.__str__),
    (int, int.__int__),
    (float, float.__float__),
    (list, lambda value: [plain(inner) for inner in list.copy(value)]),
    (tuple, lambda value: tuple(plain(inner) for inner in tuple.__iter__(value))),
    (dict, lambda value: {plain(name): plain(item) for name, item in [*dict.items(value)]}),
)
_PLAIN = (bool, str, int, float, bytes, type(None))


def same(expected: Any, seen: Any) -> bool:
    """Whether a value is the expected one, and of its type or a subclass.

    Args:
        expected: the kit's own. Of a pydantic model all fields count, and a subclass may have
            more.
        seen: the adapter's.
    """
    kind = type(expected)
    if is_a(expected, BaseModel):
        return is_a(seen, kind) and all(
            same(getattr(expected, name), getattr(seen, name, _MISSING))
            for name in kind.model_fields
        )
    seen = plain(seen)
    if kind in (list, tuple):
        return type(seen) is kind and len(seen) == len(expected) and all(map(same, expected, seen))
    if kind is dict:
        return (
            type(seen) is dict
            and len(seen) == len(expected)
            and all(name in seen and same(inner, seen[name]) for name, inner in expected.items())
        )
    if kind in _PLAIN:
        return type(seen) is kind and bool(seen == expected)
    # An enum, a date, a decimal: what it equals is decided by the expected one's own class.
    equals: Any = kind.__eq__
    return is_a(seen, kind) and equals(expected, seen) is True


def as_text(value: object) -> str:
    """``str()`` of a value, as a `str` of nobody's own."""
    return str.__str__(str(plain(value)))


def shown(value: object) -> str:
    """A value in a few words, also one that cannot be written."""
    try:
        return f"{plain(value)!r:.120}"
    except Exception as error:  # noqa: BLE001 - such as a number of thousands of digits
        return f"a {type(value).__name__} that cannot be written ({type(error).__name__})"


def assert_equal(what: str, expected: object, seen: object) -> None:
    """Raise a `Violation` unless a value, and its type, are as expected."""
    if not same(expected, seen):
        raise Violation(expected=f"{what} = {expected!r:.120}", seen=f"{what} = {shown(seen)}")


def contents(messages: Sequence[ChatMessage]) -> list[object]:
    """What is in a list of messages, to be compared before and after a call."""
    return [
        {name: plain(getattr(message, name, None)) for name in ChatMessage.model_fields}
        if is_a(message, ChatMessage)
        else None
        for message in messages
    ]
