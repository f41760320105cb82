"""Dialects: how one provider's wire format says what every provider says.

A dialect reads the requests that an adapter sends and writes the replies that a
provider would send; it also reads recorded replies, so that what an adapter makes of a
recording can be held against what the recording says. The types are in `.model`.
"""

from __future__ import annotations

from tck.wire.dialects.anthropic import AnthropicDialect
from tck.wire.dialects.model import Dialect
from tck.wire.dialects.openai import OpenAIDialect

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
    raise ValueError(
        f"wire={wire!r} is not a dialect: use {', '.join(map(repr, _BUNDLED))}, None for an "
        "adapter that runs in the process, or an object with the methods of "
        "tck.wire.dialects.model.Dialect"
    )
