"""What a JSON schema, such as that of an SDK's model, says of a shape.

Only what a schema names counts as known. The SDKs accept other members too, but do not know
them. If a value may be one of several objects, what any of them names is known, and what all
of them require is required.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tck.drift.shapes import Path, Shape, Types, json_type, path_text

DisagreementKind = Literal["unknown", "lacking", "mistyped"]
Node = Mapping[str, Any]

_ANYTHING: Node = {}
_ALL_TYPES: Types = frozenset(
    {"array", "boolean", "integer", "null", "number", "object", "string"},
)


@dataclass(frozen=True)
class Disagreement:
    """Where a shape and a schema disagree.

    ``unknown``: the schema does not name the path. ``lacking``: it requires the path, and the
    object is there without it. ``mistyped``: it knows the path with other types.
    """

    kind: DisagreementKind
    path: Path
    seen: Types
    """Empty for ``lacking``."""
    expected: Types
    """Empty for ``unknown``."""


def disagreements(shape: Shape, schema: Node) -> list[Disagreement]:
    """Where a shape disagrees with a JSON schema, in the order of the paths as they are written.

    Args:
        shape: of JSON values that the schema is meant to describe.
        schema: as pydantic's ``model_json_schema()`` returns it.
    """
    return sorted(
        (found for path in shape for found in _disagreements(shape, path, schema)),
        key=lambda found: path_text(found.path),
    )


def _disagreements(shape: Shape, path: Path, schema: Node) -> Iterator[Disagreement]:
    nodes = _nodes(schema, path)
    if not nodes:
        yield Disagreement("unknown", path, shape[path], frozenset())
        return
    expected = frozenset[str]().union(*map(_types, nodes))
    tolerated = expected | {"integer"} if "number" in expected else expected
    if not shape[path] <= tolerated:
        yield Disagreement("mistyped", path, shape[path], expected)
    if "object" in shape[path]:
        for name, types in _required(schema, nodes).items():
            if (*path, name) not in shape:
                yield Disagreement("lacking", (*path, name), frozenset(), types)


def _required(schema: Node, nodes: list[Node]) -> dict[str, Types]:
    """The members that an object must have, whichever of the nodes describes it."""
    objects = [node for node in nodes if "object" in _types(node)]
    names = [set(node.get("required", ())) for node in objects]
    return {
        name: frozenset[str]().union(
            *(_types(inner) for node in objects for inner in _step(schema, node, name))
        )
        for name in (set.intersection(*names) if names else ())
    }


def _nodes(schema: Node, path: Path) -> list[Node]:
    """The parts of a schema that describe what is at a path; none when it is not named."""
    nodes = list(_alternatives(schema, schema))
    for step in path[1:]:
        nodes = [inner for node in nodes for inner in _step(schema, node, step)]
    return nodes


def _step(schema: Node, node: Node, step: str | None) -> Iterator[Node]:
    if step is None:
        if "array" in _types(node):
            yield from _alternatives(schema, node.get("items", _ANYTHING))
    elif "object" in _types(node):
        named = node.get("properties")
        others = node.get("additionalProperties", True)
        if step in (named or ()):
            yield from _alternatives(schema, node["properties"][step])
        elif isinstance(others, Mapping):
            yield from _alternatives(schema, others)
        elif named is None and others:
            yield _ANYTHING  # an open map


def _alternatives(
    schema: Node, node: Node, followed: frozenset[str] = frozenset()
) -> Iterator[Node]:
    """A node, or the nodes that it stands for."""
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        if name not in followed:
            yield from _alternatives(schema, schema["$defs"][name], followed | {name})
        return
    inner = [one for word in ("anyOf", "oneOf", "allOf") for one in node.get(word, ())]
    for one in inner:
        yield from _alternatives(schema, one, followed)
    if not inner:
        yield node


def _types(node: Node) -> Types:
    if "type" in node:
        named = node["type"]
        return frozenset([named] if isinstance(named, str) else named)
    if "const" in node:
        return frozenset({json_type(node["const"])})
    if "enum" in node:
        return frozenset(map(json_type, node["enum"]))
    return _ALL_TYPES
