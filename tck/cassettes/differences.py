"""How a request differs from the recorded one that is nearest to it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tck.cassettes.cassette import RecordedRequest

_MOST_SHOWN = 5


def explain_miss(sent: RecordedRequest, recorded: Iterable[RecordedRequest]) -> str:
    """One sentence on a request that no recording answers."""
    candidates = list(recorded)
    said = f"{sent.method} {sent.path}"
    if not candidates:
        return f"{said}, although every recorded request had been answered already"
    _, differences = nearest(sent, candidates)
    if not differences:
        return f"{said} once more than it was recorded"
    shown = "; ".join(differences[:_MOST_SHOWN])
    more = len(differences) - _MOST_SHOWN
    return f"{said}, differing from the recording at {shown}" + (
        f"; and {more} more" if more > 0 else ""
    )


def nearest(sent: RecordedRequest, recorded: Sequence[RecordedRequest]) -> tuple[int, list[str]]:
    """The number of the recorded request that is most like ``sent``, and in what they differ.

    Args:
        sent: a request.
        recorded: what it is compared with; not empty.
    """
    differences = [list(_differences(candidate, sent)) for candidate in recorded]

    def distance(number: int) -> tuple[bool, int]:
        # Whatever the bodies have in common, requests of two endpoints are far apart.
        elsewhere = (recorded[number].method, recorded[number].path) != (sent.method, sent.path)
        return elsewhere, len(differences[number])

    number = min(range(len(recorded)), key=distance)
    return number, differences[number]


def _differences(recorded: RecordedRequest, sent: RecordedRequest) -> Iterator[str]:
    for name in ("method", "path", "query"):
        yield from _compare(f"its {name}", getattr(recorded, name), getattr(sent, name))
    try:
        yield from _compare("$", json.loads(recorded.body), json.loads(sent.body))
    except (ValueError, RecursionError):
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
    elif recorded != sent or isinstance(recorded, bool) is not isinstance(sent, bool):
        yield f"{path} (recorded {_shown(recorded)}, sent {_shown(sent)})"


class _Absent:
    def __repr__(self) -> str:
        return "nothing"


_ABSENT = _Absent()


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
