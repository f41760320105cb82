"""What an adapter has answered, read so that what it lacks is a violation."""

from __future__ import annotations

from typing import Any

from tck.checks.comparing import plain
from tck.verdicts import Violation
from tck.wire.dialects.model import Counts


class Answer:
    """A `Completion` of any class. What it lacks is a violation once somebody asks for it."""

    def __init__(self, completion: object) -> None:
        self._completion = completion

    @property
    def text(self) -> str | None:
        """The content; ``None`` is wrong too, but only of some replies."""
        text: str | None = plain(_attribute(self._completion, "content", "completion"))
        if text is not None and not isinstance(text, str):
            raise Violation(
                expected="completion.content is a str",
                seen=f"a {type(text).__name__}",
                look_at=_WHERE,
                cause="completion:content",
            )
        return text

    @property
    def model(self) -> Any:
        return _attribute(self._completion, "model", "completion")

    @property
    def finish_reason(self) -> Any:
        return _attribute(self._completion, "finish_reason", "completion")

    @property
    def raw(self) -> Any:
        return _attribute(self._completion, "raw", "completion")

    @property
    def usage(self) -> Counts | None:
        usage = _attribute(self._completion, "usage", "completion")
        if usage is None:
            return None
        return Counts(
            prompt=_count(usage, "prompt_tokens"),
            completion=_count(usage, "completion_tokens"),
            cached=_count(usage, "cached_tokens"),
        )

    @property
    def total_tokens(self) -> int | None:
        usage = _attribute(self._completion, "usage", "completion")
        return None if usage is None else _count(usage, "total_tokens")


_WHERE = "what complete() returns, beside llm.Completion and llm.Usage"
_MISSING = object()


def _count(usage: object, name: str) -> int:
    value = plain(_attribute(usage, name, "usage"))
    if type(value) is not int or value < 0:
        raise Violation(
            expected=f"usage.{name} is an int that is not negative",
            seen="a negative one" if type(value) is int else f"a {type(value).__name__}",
            look_at=_WHERE,
            cause=f"usage:{name}",
        )
    return value


def _attribute(value: object, name: str, what: str) -> Any:
    found = getattr(value, name, _MISSING)
    if found is _MISSING:
        # Its repr() may differ from call to call, and the finding is reported once for all.
        raise Violation(
            expected=f"{what}.{name} exists",
            seen=f"a {type(value).__name__} without it",
            look_at=_WHERE,
            cause=f"{what}:{name}",
        )
    return found
