"""A dialect of your own: llama.cpp's native wire, ``POST /completion``.

It is as unlike the bundled ones as a wire for chat can be: the conversation is one text in
the model's own template (here ChatML), and a reply says why it ended in words of its own.
Nothing but this class is needed to grade an adapter of such a server: it reads what an
adapter sends and writes what the server would answer.
"""

from __future__ import annotations

import json
import re
from typing import Any

from tck.wire.dialects.model import ChatReply, ChatRequest, Counts, Route, Unreadable

_TURN = re.compile(r"<\|im_start\|>(\w+)\n(.*?)<\|im_end\|>\n", re.DOTALL)
_ANSWER = "<|im_start|>assistant\n"


class LlamaCppDialect:
    """Reads and writes what a llama.cpp server exchanges at ``/completion``."""

    name = "llama-cpp"
    base_path = ""
    finish_reasons = ("eos", "limit", "word")
    cut_reason = "limit"
    may_omit_usage = False

    def route(self, method: str, path: str) -> Route | None:
        return "chat" if (method, path) == ("POST", "/completion") else None

    def read_chat(self, body: bytes) -> ChatRequest:
        request = _object(body)
        prompt = request.get("prompt")
        if not isinstance(prompt, str) or not prompt.endswith(_ANSWER):
            raise Unreadable(f"the prompt does not end with {_ANSWER!r}: {prompt!r:.80}")
        turns = [(role, text) for role, text in _TURN.findall(prompt)]
        schema = request.get("json_schema")
        stop = request.get("stop")
        return ChatRequest(
            model=request.get("model", ""),
            instructions=tuple(text for role, text in turns if role == "system"),
            turns=tuple(turn for turn in turns if turn[0] != "system"),
            max_tokens=request.get("n_predict"),
            temperature=request.get("temperature"),
            stop=None if stop is None else tuple(stop),
            mode="text" if schema is None else "schema",
            schema=schema,
            strict=False,  # every schema is taken
            parameters=request,
        )

    def write_chat(self, reply: ChatReply) -> bytes:
        usage = reply.usage or Counts(0, 0)
        return _json(
            {
                "content": reply.text,
                "model": reply.model,
                "stop": True,
                "stop_type": reply.finish_reason or self.finish_reasons[0],
                "tokens_evaluated": usage.prompt,
                "tokens_predicted": usage.completion,
                "timings": {"cache_n": usage.cached},
            }
        )

    def read_reply(self, body: bytes) -> ChatReply:
        reply = _object(body)
        try:
            return ChatReply(
                text=reply["content"],
                model=reply["model"],
                finish_reason=reply["stop_type"],
                usage=Counts(
                    prompt=reply["tokens_evaluated"],
                    completion=reply["tokens_predicted"],
                    cached=reply["timings"]["cache_n"],
                ),
            )
        except (KeyError, TypeError) as error:
            raise Unreadable(f"the reply has no {error}") from error

    def write_error(self, status: int, message: str) -> bytes:
        return _json({"error": {"code": status, "message": message, "type": "error"}})

    # For adapters that extract objects

    def write_object(self, request: ChatRequest, text: str, *, cut: bool = False) -> bytes:
        del request  # every mode of this wire answers with text
        return self.write_chat(ChatReply(text=text, finish_reason="limit" if cut else None))

    def read_object(self, body: bytes) -> ChatReply:
        return self.read_reply(body)

    def write_refusal(self, text: str) -> None:
        """``None``: on this wire a refusal is a text like any other."""


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError as error:
        raise Unreadable(f"it is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise Unreadable(f"it is no JSON object: {value!r:.80}")
    return value


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
