"""JSON schemas in the subset that OpenAI's strict mode takes.

Strict mode wants every object closed and every property required, and refuses a schema
with keywords outside its subset. A keyword that only narrows what validates (a length, a
default) moves from the schema to the description: pydantic still checks the answer against
it. One that says what the data are (an open map, a tuple) cannot be left out, and makes the
schema inexpressible.

Source: https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
"""

from __future__ import annotations

import json
import re
from typing import Any

_KEPT = {
    "description",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "maxItems",
    "maximum",
    "minItems",
    "minimum",
    "multipleOf",
    "type",
}
_DROPPED = {
    "$comment",
    "contentEncoding",
    "contentMediaType",
    "contentSchema",
    "default",
    "deprecated",
    "example",
    "discriminator",
    "examples",
    "readOnly",
    "title",
    "writeOnly",
}
_DESCRIBED = {
    "format",
    "maxLength",
    "maxProperties",
    "minLength",
    "minProperties",
    "pattern",
    "uniqueItems",
}
_READ = {
    "$defs",
    "additionalProperties",
    "anyOf",
    "const",
    "items",
    "oneOf",
    "properties",
    "required",
}
_KNOWN = _KEPT | _DROPPED | _DESCRIBED | _READ
_FORMATS = {
    "date",
    "date-time",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "time",
    "uuid",
}
_LOOKAROUND = re.compile(r"\(\?<?[=!]")
_REFERENCE = "#/$defs/"


class InexpressibleError(Exception):
    """Strict mode has no way to say what the schema says; the message is what."""


def strict_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema for strict mode; what validates against the original may be less, not more.

    Args:
        schema: a JSON schema as pydantic writes it, with an object at the root.

    Raises:
        InexpressibleError: there is none.
    """
    definitions = schema.get("$defs", {})
    _refuse_recursion(schema, definitions, (), set())
    root = _strict({key: value for key, value in schema.items() if key != "$defs"}, definitions)
    if definitions:
        root["$defs"] = {name: _strict(inner, definitions) for name, inner in definitions.items()}
    return root


def _refuse_recursion(
    node: Any, definitions: dict[str, Any], inside: tuple[str, ...], seen: set[str]
) -> None:
    if isinstance(node, list):
        for inner in node:
            _refuse_recursion(inner, definitions, inside, seen)
    if not isinstance(node, dict):
        return
    name = _referenced(node)
    if name in inside:
        raise InexpressibleError(f"{name} holds itself")
    if name is not None and name not in seen:
        _refuse_recursion(definitions[name], definitions, (*inside, name), seen)
        seen.add(name)
    for key, inner in node.items():
        if key != "$defs":
            _refuse_recursion(inner, definitions, inside, seen)


def _referenced(node: dict[str, Any]) -> str | None:
    reference = node.get("$ref")
    if not isinstance(reference, str):
        return None
    if not reference.startswith(_REFERENCE):
        raise InexpressibleError(f"a reference to {reference}")
    return reference.removeprefix(_REFERENCE)


def _strict(node: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(node, dict) or not node:
        raise InexpressibleError("a value of any type")
    node = _merged(node, definitions)
    if "$ref" in node:
        return dict(node)
    unknown = node.keys() - _KNOWN
    if unknown:
        raise InexpressibleError(f"the keyword {min(unknown)}")
    strict = {key: value for key, value in node.items() if key in _KEPT or _keeps(key, value)}
    moved = {key: value for key, value in node.items() if key in _DESCRIBED and key not in strict}
    if moved:
        said = _listed(node.get("description"))
        notes = ", ".join(f"{key}: {json.dumps(value)}" for key, value in moved.items())
        strict["description"] = " ".join([*said, f"({notes})"])
    if "const" in node:
        strict["enum"] = [node["const"]]
    branches = node.get("anyOf", node.get("oneOf"))
    if branches:
        strict["anyOf"] = [_strict(branch, definitions) for branch in branches]
    types = _listed(node.get("type"))
    if "array" in types:
        strict["items"] = _strict(node.get("items"), definitions)
    if "object" in types:
        strict |= _closed(node, definitions)
    if not strict.keys() & {"type", "enum", "anyOf"}:
        raise InexpressibleError("a value of any type")
    return strict


def _merged(node: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """A reference stands alone in strict mode; what stands beside one is joined with its target."""
    siblings = {key: value for key, value in node.items() if key not in ("$ref", "allOf")}
    together = node.get("allOf", [])
    if len(together) > 1:
        raise InexpressibleError("the keyword allOf")
    name = _referenced(together[0] if together else node)
    if name is not None:
        kept = siblings.keys() & (_KEPT | _DESCRIBED)
        if not kept:
            return {"$ref": _REFERENCE + name}
        return _merged({**definitions[name], **siblings}, definitions)
    return {**together[0], **siblings} if together else node


def _keeps(key: str, value: Any) -> bool:
    if key == "format":
        return value in _FORMATS
    return key == "pattern" and not _LOOKAROUND.search(value)


def _closed(node: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    properties = node.get("properties")
    if node.get("additionalProperties", properties is None) is not False:
        raise InexpressibleError("an object with any keys")
    closed = {name: _strict(inner, definitions) for name, inner in (properties or {}).items()}
    return {"properties": closed, "required": list(closed), "additionalProperties": False}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
