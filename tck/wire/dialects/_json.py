"""Reading JSON that may be anything."""

from __future__ import annotations

import json
from typing import Any

from tck.wire.dialects.model import Unreadable


def read_object(body: bytes, what: str) -> dict[str, Any]:
    """The JSON object that ``body`` holds, ``what`` being its name in the complaint."""
    try:
        value = json.loads(body)
    except ValueError as error:
        raise Unreadable(f"{what} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise Unreadable(f"{what} is a JSON {type(value).__name__}, not an object")
    return value


def field(value: dict[str, Any], name: str, kind: type | tuple[type, ...], what: str) -> Any:
    """``value[name]``, which must be there and of the kind."""
    found = value.get(name)
    if not isinstance(found, kind):
        raise Unreadable(f"{what} has {name} = {found!r:.80}")
    return found


def text_of(content: object, what: str) -> str:
    """The text of a message's content: a string, or a list of text blocks."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(_block_text(block, what) for block in content)
    raise Unreadable(f"{what} has content {content!r:.80}")


def tuple_of_texts(value: object, what: str) -> tuple[str, ...] | None:
    """A text or a list of texts, as a tuple; ``None`` for nothing."""
    if value is None:
        return None
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(isinstance(text, str) for text in listed):
        raise Unreadable(f"{what} = {value!r:.80}")
    return tuple(listed)


def _block_text(block: object, what: str) -> str:
    if not isinstance(block, dict):
        raise Unreadable(f"{what} has a content block {block!r:.80}")
    if block.get("type") == "tool_result":
        return text_of(block.get("content"), what)
    text = block.get("text", "")
    if not isinstance(text, str):
        raise Unreadable(f"{what} has a text block with text {text!r:.80}")
    return text


def dump(value: object) -> bytes:
    """Compact JSON, as providers send it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
