"""Anthropic's wire: messages."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from tck.wire.dialects._json import dump, field, read_object, text_of, tuple_of_texts
from tck.wire.dialects.model import (
    ChatReply,
    ChatRequest,
    Counts,
    Route,
    Unreadable,
)

_ERROR_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    529: "overloaded_error",
}


class AnthropicDialect:
    """Reads and writes what ``api.anthropic.com`` and the servers like it exchange."""

    name = "anthropic"
    base_path = ""
    finish_reasons = ("end_turn", "max_tokens", "stop_sequence", "refusal")
    cut_reason = "max_tokens"
    may_omit_usage = False

    def route(self, method: str, path: str) -> Route | None:
        return "chat" if method == "POST" and path == "/v1/messages" else None

    def read_chat(self, body: bytes) -> ChatRequest:
        request = read_object(body, "the messages request")
        system = request.get("system")
        blocks = system if isinstance(system, list) else [] if system is None else [system]
        instructions = [
            text_of([block] if isinstance(block, dict) else block, "the system prompt")
            for block in blocks
        ]
        turns = []
        for message in field(request, "messages", list, "the messages request"):
            if not isinstance(message, dict):
                raise Unreadable(f"the messages request has a message {message!r:.80}")
            role = field(message, "role", str, "a message of the request")
            turns.append((role, text_of(message.get("content"), "a message of the request")))
        return ChatRequest(
            model=field(request, "model", str, "the messages request"),
            instructions=tuple(instructions),
            turns=tuple(turns),
            max_tokens=request.get("max_tokens"),
            temperature=request.get("temperature"),
            stop=tuple_of_texts(request.get("stop_sequences"), "stop_sequences"),
            **_structured(request),
            parameters=request,
        )

    def write_chat(self, reply: ChatReply) -> bytes:
        usage = reply.usage or Counts(0, 0)
        body: dict[str, Any] = {
            "id": "msg_wire",
            "type": "message",
            "role": "assistant",
            "model": reply.model,
            "content": [] if reply.text is None else [{"type": "text", "text": reply.text}],
            "stop_reason": reply.finish_reason or self.finish_reasons[0],
            "stop_sequence": None,
            "usage": {
                "input_tokens": usage.prompt - usage.cached - usage.written,
                "cache_creation_input_tokens": usage.written if reply.cache_counted else None,
                "cache_read_input_tokens": usage.cached if reply.cache_counted else None,
                "output_tokens": usage.completion,
            },
        }
        return dump(body)

    def write_object(self, request: ChatRequest, text: str, *, cut: bool = False) -> bytes:
        body = json.loads(self.write_chat(ChatReply(text=text)))
        found = _object_of(text, cut=cut) if request.mode == "tool" else None
        if found is not None:
            name = request.parameters["tools"][0]["name"]
            call = {"type": "tool_use", "id": "toolu_wire", "name": name, "input": found}
            body |= {"content": [call], "stop_reason": "tool_use"}
        if cut:
            body["stop_reason"] = self.cut_reason
        return dump(body)

    def read_object(self, body: bytes) -> ChatReply:
        reply = self.read_reply(body)
        for block in json.loads(body)["content"]:
            if isinstance(block, dict) and block.get("type") == "tool_use":
                found = field(block, "input", dict, "the tool's input")
                return replace(reply, text=json.dumps(found, ensure_ascii=False))
        return reply

    def write_refusal(self, text: str) -> bytes:
        return self.write_chat(ChatReply(text=text, finish_reason="refusal"))

    def read_reply(self, body: bytes) -> ChatReply:
        reply = read_object(body, "the message")
        texts = [
            block.get("text", "")
            for block in field(reply, "content", list, "the message")
            if isinstance(block, dict) and block.get("type") == "text"
        ]
        return ChatReply(
            text="".join(texts),
            model=field(reply, "model", str, "the message"),
            finish_reason=reply.get("stop_reason"),
            usage=_counts(field(reply, "usage", dict, "the message")),
        )

    def write_error(self, status: int, message: str) -> bytes:
        kind = _ERROR_TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")
        return dump({"type": "error", "error": {"type": kind, "message": message}})


def _structured(request: dict[str, Any]) -> dict[str, Any]:
    """The fields of a `ChatRequest` that tell how it asks for an object."""
    tools = request.get("tools")
    if tools:
        schema = field(tools[0], "input_schema", dict, "a tool of the messages request")
        return {"mode": "tool", "schema": schema, "strict": tools[0].get("strict") is True}
    form = (request.get("output_config") or {}).get("format") or request.get("output_format")
    if form:
        schema = field(form, "schema", dict, "the output format")
        return {"mode": "schema", "schema": schema, "strict": True}
    return {"mode": "text", "schema": None, "strict": False}


def _object_of(text: str, *, cut: bool) -> dict[str, Any] | None:
    """The input of a tool that a model wrote as ``text``; of a cut one, what was whole."""
    for end in range(len(text), 0, -1):
        try:
            found = json.loads(text[:end] + _closers(text[:end]))
        except ValueError:
            if not cut:
                return None
            continue
        return found if isinstance(found, dict) else None
    return {} if cut else None


def _closers(text: str) -> str:
    """What closes the brackets that a piece of JSON leaves open."""
    open_ones: list[str] = []
    for bracket in re.findall(r'"(?:[^"\\]|\\.)*"|[{}\[\]]', text):
        if bracket in "{[":
            open_ones.append({"{": "}", "[": "]"}[bracket])
        elif bracket in "}]" and open_ones:
            open_ones.pop()
    return "".join(reversed(open_ones))


def _counts(usage: dict[str, Any]) -> Counts:
    """The wire counts the tokens that touch the cache apart from ``input_tokens``."""
    cached = usage.get("cache_read_input_tokens") or 0
    written = usage.get("cache_creation_input_tokens") or 0
    return Counts(
        prompt=field(usage, "input_tokens", int, "the usage") + written + cached,
        completion=field(usage, "output_tokens", int, "the usage"),
        cached=cached,
        written=written,
    )
