"""Saying in what a request differs from the recorded one that is nearest to it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from tck.cassettes.cassette import RecordedRequest

_MOST_SHOWN = 5


def explain_miss(sent: RecordedRequest, recorded: Iterable[RecordedRequest]) -> str:
    """One sentence on a request that no recording answers."""
    compared = [(list(_differences(candidate, sent)), candidate) for candidate in recorded]
    said = f"{sent.method} {sent.path}"
    if not compared:
        return f"{said}, although every recorded request had been answered already"
    differences, _ = min(compared, key=lambda pair: len(pair[0]))
    if not differences:
        return f"{said} once more than it was recorded"
    shown = "; ".join(differences[:_MOST_SHOWN])
    more = len(differences) - _MOST_SHOWN
    return f"{said}, differing from the recording at {shown}" + (
        f"; and {more} more" if more > 0 else ""
    )


def _differences(recorded: RecordedRequest, sent: RecordedRequest) -> Iterator[str]:
    for name in ("method", "path", "query"):
        yield from _compare(f"its {name}", getattr(recorded, name), getattr(sent, name))
    try:
        yield from _compare("$", json.loads(recorded.body), json.loads(sent.body))
    except ValueError:
        yield from _compare("its body", recorded.body, sent.body)


def _compare(path: str, recorded: Any, sent: Any) -> Iterator[str]:
    if isinstance(recorded, dict) and isinstance(sent, dict):
        for name in recorded | sent:
            yield from _compare(
                f"{path}.{name}", recorded.get(name, _ABSENT), sent.get(name, _ABSENT)
            )
    elif isinstance(recorded, list) and isinstance(sent, list) and len(recorded) == len(sent):
        for number, pair in enumerate(zip(recorded, sent, strict=True)):
            yield from _compare(f"{path}[{number}]", *pair)
    elif recorded != sent:
        yield f"{path} (recorded {_shown(recorded)}, sent {_shown(sent)})"


class _Absent:
    def __repr__(self) -> str:
        return "nothing"


_ABSENT = _Absent()


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
