"""Malformed replies with status 200."""

from __future__ import annotations

import json
from typing import Any

from tck.checks.subject import Surface
from tck.wire.dialects.model import (
    ChatReply,
    Counts,
    Dialect,
    EmbeddingRequest,
    Unreadable,
    is_recorded,
)
from tck.wire.wire import Wire


def malformed(wire: Wire, surface: Surface) -> dict[str, bytes]:
    """Bodies that hold no reply, each with what it is."""
    good = _good(wire, surface)
    bodies = {
        "HTML": b"<html><body><h1>Bad gateway</h1></body></html>",
        "an empty body": b"",
        "JSON cut in the middle": good[: len(good) // 2],
        "null": b"null",
        "a list": b"[]",
        "a string": b'"hello"',
        "an empty object": b"{}",
    }
    if is_recorded(wire.dialect):
        return bodies  # what the rest would look like, only a dialect knows
    bodies["an `error` object"] = wire.dialect.write_error(500, "overloaded")
    written = _object(good)
    if written is None:
        return bodies
    bodies["wrong types"] = json.dumps(_misshapen(written)).encode()
    emptied = json.dumps(_emptied(written)).encode()
    if surface.kind == "chat" and not _is_reply(wire.dialect, emptied):
        bodies["no choices in its list"] = emptied
    return bodies


def _object(body: bytes) -> dict[str, Any] | None:
    """A body as a JSON object; ``None`` on a wire that has others."""
    try:
        value = json.loads(body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _emptied(value: dict[str, Any]) -> dict[str, Any]:
    return {name: [] if isinstance(inner, list) else inner for name, inner in value.items()}


def _is_reply(dialect: Dialect, body: bytes) -> bool:
    """Whether the wire has such a reply: on some an empty list is a reply without text."""
    try:
        dialect.read_reply(body)
    except Unreadable:
        return False
    return True


def miscounted(wire: Wire) -> dict[str, bytes]:
    """Replies that are whole but for the types of their counts, each with what it is."""
    counts = Counts(prompt=_PROMPT, completion=_COMPLETION)
    good = _object(wire.dialect.write_chat(ChatReply(text=TEXT, usage=counts)))
    if good is None:
        return {}
    bodies = {
        "texts where the counts were": _recounted(good),
        "a text where the counts were": {
            name: "many" if isinstance(inner, dict) and _recounted(inner) != inner else inner
            for name, inner in good.items()
        },
    }
    return {what: json.dumps(body).encode() for what, body in bodies.items() if body != good}


def _recounted(value: dict[str, Any]) -> dict[str, Any]:
    """The same with texts where the counts were."""
    return {
        name: _recounted(inner)
        if isinstance(inner, dict)
        else "many"
        if inner in (_PROMPT, _COMPLETION)
        else inner
        for name, inner in value.items()
    }


_PROMPT, _COMPLETION = 271828, 141421


def _good(wire: Wire, surface: Surface) -> bytes:
    if surface.kind == "chat":
        return wire.dialect.write_chat(ChatReply(text=TEXT))
    request = EmbeddingRequest(surface.model, (TEXT,), {})
    return wire.embedding_dialect.write_embeddings(request, [(0, [0.5, 1.5])])


TEXT = "the text of the reply"


def _misshapen(value: Any) -> Any:
    """The same with a number where the text was, and a text where the vector was."""
    if isinstance(value, dict):
        return {name: _misshapen(inner) for name, inner in value.items()}
    if value == TEXT:
        return 5
    if isinstance(value, list):
        numbers = bool(value) and all(isinstance(inner, float) for inner in value)
        return {"not": "numbers"} if numbers else [_misshapen(inner) for inner in value]
    return value
