"""Shapes: which JSON types were seen at which paths, and how two shapes differ.

A shape forgets the values. The elements of an array are merged under ``[]``, and a path that was
seen with several types has them all. Text that happens to be JSON stays a ``string``.

=============  ================================================================  =====
change         what it says                                                      hard
=============  ================================================================  =====
``added``      the path was not there before                                     no
``removed``    the path is not there any more                                    yes
``retyped``    a value has a type that it never had; or nothing but null is      yes
               left of what was never null
``varied``     the types differ, but a reader of the old ones can read the new:  no
               null came or went beside a value, a value came where only null
               was, a type was not seen again, integer against number
``unseen``     nobody can know: what holds the path is null or an empty array    no
=============  ================================================================  =====

JSON has one kind of number, and servers write a whole one as ``1`` or ``1.0`` by chance: that is
why ``integer`` against ``number`` is no ``retyped``.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Path = tuple[str | None, ...]
"""A root, such as ``$``, then names of members, and ``None`` for the elements of an array."""
Types = frozenset[str]
Shape = Mapping[Path, Types]
Kind = Literal["added", "removed", "retyped", "varied", "unseen"]

HARD: frozenset[Kind] = frozenset({"removed", "retyped"})
"""The changes that can break whoever read the old shape."""

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_JSON_TYPES = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}
_NULL = frozenset({"null"})


@dataclass(frozen=True)
class Change:
    """The change of one path."""

    kind: Kind
    path: Path
    old: Types
    """Empty where the path was not seen."""
    new: Types

    @property
    def hard(self) -> bool:
        return self.kind in HARD


def shape_of(value: Any, root: str = "$") -> Shape:
    """The shape of a value that `json.loads` has made."""
    shape: defaultdict[Path, set[str]] = defaultdict(set)
    # A list, and no recursion: a body may be nested deeper than Python's stack.
    left: list[tuple[Path, Any]] = [((root,), value)]
    while left:
        path, inner = left.pop()
        shape[path].add(json_type(inner))
        if isinstance(inner, dict):
            left += [((*path, name), member) for name, member in inner.items()]
        elif isinstance(inner, list):
            left += [((*path, None), element) for element in inner]
    return {path: frozenset(types) for path, types in shape.items()}


def shape_of_body(body: bytes) -> Shape:
    """The shape of an HTTP body; one that is neither a JSON object nor an array has no paths."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict | list):
        return shape_of(value)
    return {("$",): frozenset({"not JSON" if body else "empty"})}


def json_type(value: Any) -> str:
    """JSON's word for the type of a value that `json.loads` has made."""
    return _JSON_TYPES[type(value)]


def merged(shapes: Iterable[Shape]) -> Shape:
    """One shape that has seen what each of them has seen."""
    union: defaultdict[Path, Types] = defaultdict(frozenset)
    for shape in shapes:
        for path, types in shape.items():
            union[path] |= types
    return dict(union)


def compare(old: Shape, new: Shape) -> list[Change]:
    """What changed from one shape to another, in the order of their paths as they are written."""
    return sorted(_changes(old, new), key=lambda change: path_text(change.path))


def _changes(old: Shape, new: Shape) -> Iterator[Change]:
    nothing: Types = frozenset()
    for path in old.keys() | new.keys():
        before, after = old.get(path, nothing), new.get(path, nothing)
        if not before:
            yield Change("added", path, before, after)
        elif not after:
            kind: Kind = "unseen" if _cannot_show(new, path) else "removed"
            yield Change(kind, path, before, after)
        elif before != after:
            yield Change("retyped" if _retyped(before, after) else "varied", path, before, after)


def _cannot_show(shape: Shape, path: Path) -> bool:
    """Whether the nearest value above a path is null, or an array without elements."""
    for length in range(len(path) - 1, 0, -1):
        if above := shape.get(path[:length]):
            return above == _NULL or (path[length] is None and "array" in above)
    return False


def _retyped(before: Types, after: Types) -> bool:
    values_before, values_after = _values(before), _values(after)
    if not values_after:
        return "null" not in before
    return bool(values_before) and not values_after <= values_before


def _values(types: Types) -> Types:
    """The types without null, whole numbers being numbers."""
    return frozenset("number" if name == "integer" else name for name in types - _NULL)


def path_text(path: Path) -> str:
    """A path as it is written: ``$.choices[].message``, ``$["a.b"]``."""
    root, *steps = path
    return (root or "") + "".join(map(_step_text, steps))


def _step_text(step: str | None) -> str:
    if step is None:
        return "[]"
    return f".{step}" if _PLAIN_NAME.fullmatch(step) else f"[{json.dumps(step)}]"


def types_text(types: Types) -> str:
    """Types as they are written: ``null|string``."""
    return "|".join(sorted(types))


def topmost(paths: Iterable[Path]) -> dict[Path, int]:
    """The paths that lie beneath no other of them, each with the number of those beneath it."""
    counts: dict[Path, int] = {}
    for path in sorted(set(paths), key=lambda path: (len(path), path_text(path))):
        above = next((path[:n] for n in range(1, len(path)) if path[:n] in counts), None)
        if above is None:
            counts[path] = 0
        else:
            counts[above] += 1
    return counts
