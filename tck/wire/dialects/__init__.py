"""Dialects: how one provider's wire format says what every provider says.

A dialect reads the requests that an adapter sends and writes the replies that a
provider would send. It also reads recorded replies, so that an adapter's result can be
compared with the recording. The types are in `.model`.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points

from tck.wire.dialects.anthropic import AnthropicDialect
from tck.wire.dialects.model import Dialect
from tck.wire.dialects.openai import OpenAIDialect

ENTRY_POINTS = "tck.dialects"
"""The group in which another distribution registers a dialect: an object, or its class."""

_BUNDLED: dict[str, Dialect] = {
    "openai": OpenAIDialect(),
    "anthropic": AnthropicDialect(),
}


def dialect_for(wire: object) -> Dialect | None:
    """The dialect that ``AdapterUnderTest.wire`` stands for; ``None`` stays ``None``.

    Raises:
        ValueError: it is neither a known name nor an object with a dialect's methods.
    """
    if wire is None or isinstance(wire, Dialect):
        return wire
    if isinstance(wire, str) and wire in _BUNDLED:
        return _BUNDLED[wire]
    registered = entry_points(group=ENTRY_POINTS)
    if isinstance(wire, str) and wire in registered.names:
        return _loaded(wire, [entry for entry in registered if entry.name == wire])
    if isinstance(wire, str):
        names = ", ".join(map(repr, [*_BUNDLED, *sorted(registered.names)]))
        raise ValueError(  # noqa: TRY004 - of a text it is the value that is wrong
            f"wire={wire!r} is not a dialect: use {names}, 'recorded' where there is none, None "
            "for an adapter that runs in the process, or an object with the methods of "
            "tck.wire.dialects.model.Dialect"
        )
    raise ValueError(f"wire={wire!r:.80} is not a dialect: it has no {', '.join(_missing(wire))}")


def _loaded(name: str, entries: Iterable[EntryPoint]) -> Dialect:
    first, *others = {entry.value: entry for entry in entries}.values()
    if others:
        values = " and ".join(entry.value for entry in (first, *others))
        raise ValueError(f"wire={name!r} is registered twice, as {values}: uninstall one")
    try:
        loaded = first.load()
        dialect = loaded() if isinstance(loaded, type) else loaded
    except Exception as error:
        raise ValueError(
            f"wire={name!r} is registered as {first.value}, and loading that raised "
            f"{type(error).__name__}: {error}"
        ) from error
    if not isinstance(dialect, Dialect):
        raise ValueError(  # noqa: TRY004 - as above
            f"wire={name!r} is registered as {first.value}, which has no "
            f"{', '.join(_missing(dialect))}"
        )
    return dialect


def _missing(candidate: object) -> list[str]:
    """What an object lacks to be a dialect."""
    return [
        name for name in vars(Dialect) if not name.startswith("_") and not hasattr(candidate, name)
    ]
