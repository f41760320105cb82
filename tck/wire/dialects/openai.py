"""OpenAI's wire: chat completions and embeddings."""

from __future__ import annotations

import base64
import binascii
import json
import re
import struct
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tck.wire.dialects._json import dump, field, read_object, text_of, tuple_of_texts
from tck.wire.dialects.model import (
    ChatReply,
    ChatRequest,
    Counts,
    EmbeddingRequest,
    Route,
    Unreadable,
)

_ERROR_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "requests",
}


# Of OpenAI, of Groq and Azure's newer version, and of Azure's deployments.
_PATH = re.compile(r"(?:(?:/openai)?/v1|/openai/deployments/[^/]+)/(chat/completions|embeddings)")


class OpenAIDialect:
    """Reads and writes what ``api.openai.com`` and the servers like it exchange."""

    name = "openai"
    base_path = "/v1"
    finish_reasons = ("stop", "length", "content_filter")
    cut_reason = "length"
    may_omit_usage = True

    def route(self, method: str, path: str) -> Route | None:
        found = _PATH.fullmatch(path) if method == "POST" else None
        routes: dict[str, Route] = {"chat/completions": "chat", "embeddings": "embeddings"}
        return routes[found[1]] if found else None

    def read_chat(self, body: bytes) -> ChatRequest:
        request = read_object(body, "the chat request")
        instructions: list[str] = []
        turns: list[tuple[str, str]] = []
        for message in field(request, "messages", list, "the chat request"):
            if not isinstance(message, dict):
                raise Unreadable(f"the chat request has a message {message!r:.80}")
            role = field(message, "role", str, "a message of the chat request")
            text = text_of(message.get("content"), "a message of the chat request")
            if role in ("system", "developer"):
                instructions.append(text)
            else:
                turns.append((role, text))
        return ChatRequest(
            model=field(request, "model", str, "the chat request"),
            instructions=tuple(instructions),
            turns=tuple(turns),
            max_tokens=request.get("max_completion_tokens", request.get("max_tokens")),
            temperature=request.get("temperature"),
            stop=tuple_of_texts(request.get("stop"), "stop"),
            **_structured(request),
            parameters=request,
        )

    def write_chat(self, reply: ChatReply) -> bytes:
        body: dict[str, Any] = {
            "id": "chatcmpl-wire",
            "object": "chat.completion",
            "created": 1767225600,
            "model": reply.model,
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": reply.text, "refusal": None},
                    "logprobs": None,
                    "finish_reason": reply.finish_reason or self.finish_reasons[0],
                }
            ],
        }
        if reply.usage is not None:
            body["usage"] = {
                "prompt_tokens": reply.usage.prompt,
                "completion_tokens": reply.usage.completion,
                "total_tokens": reply.usage.total,
            }
            if reply.cache_counted:
                body["usage"]["prompt_tokens_details"] = {"cached_tokens": reply.usage.cached}
        return dump(body)

    def write_object(self, request: ChatRequest, text: str, *, cut: bool = False) -> bytes:
        body = json.loads(self.write_chat(ChatReply(text=text)))
        choice = body["choices"][0]
        if request.mode == "tool":
            name = request.parameters["tools"][0]["function"]["name"]
            call = {"name": name, "arguments": text}
            calls = [{"id": "call_wire", "type": "function", "function": call}]
            choice["message"] |= {"content": None, "tool_calls": calls}
            choice["finish_reason"] = "tool_calls"
        if cut:
            choice["finish_reason"] = self.cut_reason
        return dump(body)

    def read_object(self, body: bytes) -> ChatReply:
        reply = self.read_reply(body)
        calls = json.loads(body)["choices"][0]["message"].get("tool_calls")
        if not calls:
            return reply
        function = field(calls[0], "function", dict, "a tool call of the chat reply")
        return replace(reply, text=field(function, "arguments", str, "a tool call"))

    def write_refusal(self, text: str) -> bytes:
        body = json.loads(self.write_chat(ChatReply(text=None)))
        body["choices"][0]["message"]["refusal"] = text
        return dump(body)

    def read_reply(self, body: bytes) -> ChatReply:
        reply = read_object(body, "the chat reply")
        choices = field(reply, "choices", list, "the chat reply")
        if not choices:
            raise Unreadable("the chat reply has no choices")
        return ChatReply(
            text=field(choices[0], "message", dict, "the first choice").get("content"),
            model=field(reply, "model", str, "the chat reply"),
            finish_reason=choices[0].get("finish_reason"),
            usage=_counts(reply.get("usage")),
        )

    def write_error(self, status: int, message: str) -> bytes:
        kind = _ERROR_TYPES.get(
            status, "server_error" if status >= 500 else "invalid_request_error"
        )
        return dump({"error": {"message": message, "type": kind, "param": None, "code": None}})

    def read_embeddings(self, body: bytes) -> EmbeddingRequest:
        request = read_object(body, "the embedding request")
        texts = field(request, "input", (str, list), "the embedding request")
        texts = [texts] if isinstance(texts, str) else texts
        if not all(isinstance(text, str) for text in texts):
            raise Unreadable("the embedding request has an input that is not text")
        return EmbeddingRequest(
            model=field(request, "model", str, "the embedding request"),
            texts=tuple(texts),
            parameters=request,
        )

    def write_embeddings(
        self, request: EmbeddingRequest, vectors: Sequence[tuple[int, Sequence[float]]]
    ) -> bytes:
        packed = request.parameters.get("encoding_format") == "base64"
        data = [
            {
                "object": "embedding",
                "index": index,
                "embedding": _pack(vector) if packed else list(vector),
            }
            for index, vector in vectors
        ]
        tokens = len(request.texts)
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return dump({"object": "list", "data": data, "model": request.model, "usage": usage})

    def read_vectors(self, body: bytes) -> list[list[float]]:
        reply = read_object(body, "the embedding reply")
        items = field(reply, "data", list, "the embedding reply")
        for item in items:
            field(item, "index", int, "a vector of the embedding reply")
        ordered = sorted(items, key=lambda item: int(item["index"]))
        return [_vector(item.get("embedding")) for item in ordered]


def _structured(request: dict[str, Any]) -> dict[str, Any]:
    """The fields of a `ChatRequest` that tell how it asks for an object."""
    tools = request.get("tools")
    if tools:
        function = field(tools[0], "function", dict, "a tool of the chat request")
        schema = field(function, "parameters", dict, "a tool of the chat request")
        return {"mode": "tool", "schema": schema, "strict": function.get("strict") is True}
    form = request.get("response_format") or {}
    if form.get("type") == "json_object" and isinstance(form.get("schema"), dict):
        # As Together and llama.cpp have it.
        return {"mode": "schema", "schema": form["schema"], "strict": False}
    if form.get("type") != "json_schema":
        mode = "json" if form.get("type") == "json_object" else "text"
        return {"mode": mode, "schema": None, "strict": False}
    named = field(form, "json_schema", dict, "the response_format")
    schema = field(named, "schema", dict, "the response_format")
    return {"mode": "schema", "schema": schema, "strict": named.get("strict") is True}


def _counts(usage: object) -> Counts | None:
    if usage is None:
        return None
    if not isinstance(usage, dict):
        raise Unreadable(f"the chat reply has usage {usage!r:.80}")
    details = usage.get("prompt_tokens_details") or {}
    return Counts(
        prompt=field(usage, "prompt_tokens", int, "the usage"),
        completion=field(usage, "completion_tokens", int, "the usage"),
        cached=details.get("cached_tokens") or 0,
    )


def _pack(vector: Sequence[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _vector(embedding: object) -> list[float]:
    if isinstance(embedding, list):
        return [float(number) for number in embedding]
    if not isinstance(embedding, str):
        raise Unreadable(f"the embedding reply has a vector {embedding!r:.80}")
    try:
        packed = base64.b64decode(embedding, validate=True)
        return list(struct.unpack(f"<{len(packed) // 4}f", packed))
    except (binascii.Error, struct.error) as error:
        raise Unreadable(f"a vector is not base64 of 32-bit floats: {error}") from error
