"""A dialect reads what it writes, and what real providers write."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tck.cassettes.cassette import Interaction, loads
from tck.resources import resource
from tck.wire.dialects import dialect_for
from tck.wire.dialects.anthropic import AnthropicDialect
from tck.wire.dialects.model import (
    ChatReply,
    ChatRequest,
    Counts,
    Dialect,
    EmbeddingRequest,
    StructuredDialect,
    Unreadable,
)
from tck.wire.dialects.openai import OpenAIDialect

DIALECTS = [OpenAIDialect(), AnthropicDialect()]
BY_NAME = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)

text = st.text(st.characters(codec="utf-8"))
small = st.integers(0, 10**6)
counts = st.builds(
    lambda fresh, cached, written, completion: Counts(
        fresh + cached + written, completion, cached, written
    ),
    small,
    small,
    small,
    small,
)


def _recorded(adapter: str) -> list[tuple[str, Interaction]]:
    return [
        (path.stem, interaction)
        for path in sorted(resource("cassettes", adapter).glob("*.json"))
        for interaction in loads(path.read_bytes()).interactions
    ]


@BY_NAME
def test_a_reply_may_say_nothing_of_a_cache(dialect: Dialect) -> None:
    told, untold = (
        dialect.write_chat(ChatReply(usage=Counts(3, 2), cache_counted=counted))
        for counted in (True, False)
    )
    assert dialect.read_reply(told) == dialect.read_reply(untold)
    assert b'cached_tokens":0' in told or b'cache_read_input_tokens":0' in told
    assert b'cached_tokens":0' not in untold
    assert b'cache_read_input_tokens":0' not in untold


@BY_NAME
@given(text=text, usage=counts)
def test_reads_the_replies_that_it_writes(dialect: Dialect, text: str, usage: Counts) -> None:
    for reason in dialect.finish_reasons:
        reply = ChatReply(text=text, model="m", finish_reason=reason, usage=usage)
        read = dialect.read_reply(dialect.write_chat(reply))
        assert (read.text, read.model, read.finish_reason) == (text, "m", reason)
        assert read.usage is not None
        assert (read.usage.prompt, read.usage.completion, read.usage.cached) == (
            usage.prompt,
            usage.completion,
            usage.cached,
        )


@BY_NAME
def test_writes_replies_without_text(dialect: Dialect) -> None:
    assert not dialect.read_reply(dialect.write_chat(ChatReply(text=None))).text


def test_a_reply_may_count_no_tokens() -> None:
    dialect = OpenAIDialect()
    assert dialect.read_reply(dialect.write_chat(ChatReply(usage=None))).usage is None


@BY_NAME
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b"{}", b'{"model": 1}', b"\xff"])
def test_what_is_not_of_the_wire_is_unreadable(dialect: Dialect, body: bytes) -> None:
    with pytest.raises(Unreadable):
        dialect.read_chat(body)
    with pytest.raises(Unreadable):
        dialect.read_reply(body)


@pytest.mark.parametrize(
    "message",
    [{"role": 1}, "hello", {"role": "user", "content": 3}, {"role": "user", "content": [4]}],
)
@BY_NAME
def test_misshapen_messages_are_unreadable(dialect: Dialect, message: object) -> None:
    with pytest.raises(Unreadable):
        dialect.read_chat(json.dumps({"model": "m", "messages": [message]}).encode())


@pytest.mark.parametrize("encoding", ["float", "base64", None])
@given(st.lists(st.lists(st.floats(width=32, allow_nan=False), min_size=1), min_size=1))
def test_vectors_are_exact_in_both_encodings(
    encoding: str | None, vectors: list[list[float]]
) -> None:
    dialect = OpenAIDialect()
    texts = tuple(map(str, range(len(vectors))))
    request = EmbeddingRequest("m", texts, {"encoding_format": encoding})
    numbered = list(enumerate(vectors))[::-1]
    read = dialect.read_vectors(dialect.write_embeddings(request, numbered))
    assert [[number.hex() for number in vector] for vector in read] == [
        [float(number).hex() for number in vector] for vector in vectors
    ]


@pytest.mark.parametrize("vector", ["not base64!", "AAA=", 5, None])
def test_misshapen_vectors_are_unreadable(vector: object) -> None:
    body = json.dumps({"data": [{"index": 0, "embedding": vector}]}).encode()
    with pytest.raises(Unreadable):
        OpenAIDialect().read_vectors(body)


def test_instructions_come_from_both_roles_and_both_forms() -> None:
    request = OpenAIDialect().read_chat(
        json.dumps(
            {
                "model": "m",
                "messages": [
                    {"role": "developer", "content": "one"},
                    {"role": "user", "content": [{"type": "text", "text": "two"}]},
                    {"role": "system", "content": "three"},
                ],
                "max_completion_tokens": 5,
            }
        ).encode()
    )
    assert request.instructions == ("one", "three")
    assert request.turns == (("user", "two"),)
    assert request.max_tokens == 5


@pytest.mark.parametrize(
    ("system", "instructions"),
    [
        (None, ()),
        ("one", ("one",)),
        ([{"type": "text", "text": "one"}, {"type": "text", "text": "two"}], ("one", "two")),
    ],
)
def test_anthropics_system_is_a_text_or_blocks(system: Any, instructions: tuple[str, ...]) -> None:
    body: dict[str, Any] = {"model": "m", "max_tokens": 5, "messages": []}
    if system is not None:
        body["system"] = system
    assert AnthropicDialect().read_chat(json.dumps(body).encode()).instructions == instructions


@pytest.mark.parametrize("adapter", ["openai", "anthropic"])
def test_reads_every_recording(adapter: str) -> None:
    dialect = dialect_for(adapter)
    assert dialect is not None
    recorded = _recorded(adapter)
    assert recorded
    for name, interaction in recorded:
        route = dialect.route(interaction.request.method, interaction.request.path)
        if route == "chat":
            request = dialect.read_chat(interaction.request.body)
            assert request.turns, name
            if interaction.response.status == 200:
                reply = dialect.read_reply(interaction.response.body)
                assert reply.text, name
                assert reply.usage is not None
                assert reply.usage.prompt > reply.usage.cached
                assert reply.finish_reason in dialect.finish_reasons
        else:
            assert route == "embeddings"
            assert isinstance(dialect, OpenAIDialect)
            asked = dialect.read_embeddings(interaction.request.body)
            if interaction.response.status == 200:
                vectors = dialect.read_vectors(interaction.response.body)
                assert [len(vector) for vector in vectors] == [576] * len(asked.texts)


def _shape(value: object) -> object:
    if isinstance(value, dict):
        return {name: _shape(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_shape(value[0])] if value else []
    return type(value).__name__


@pytest.mark.parametrize("adapter", ["openai", "anthropic"])
def test_what_it_writes_has_the_fields_that_real_providers_write(adapter: str) -> None:
    """Every field of ours stands in the recording, with the type that it has there."""
    dialect = dialect_for(adapter)
    assert dialect is not None
    recorded = json.loads(dict(_recorded(adapter))["chat-one-turn"].response.body)
    ours = json.loads(dialect.write_chat(ChatReply()))
    # Fields that hosted providers send and the recorded server leaves out.
    for path in (
        ["choices", "logprobs"],
        ["choices", "message", "refusal"],
        ["usage", "cache_creation_input_tokens"],
    ):
        _remove(ours, path)
    _assert_within(_shape(ours), _shape(recorded), "$")


def _remove(value: Any, path: list[str]) -> None:
    for name in path[:-1]:
        value = value.get(name, {})
        value = value[0] if isinstance(value, list) else value
    value.pop(path[-1], None)


def _assert_within(ours: Any, recorded: Any, path: str) -> None:
    if isinstance(ours, dict):
        for name, shape in ours.items():
            assert name in recorded, f"{path}.{name} is not in the recording"
            _assert_within(shape, recorded[name], f"{path}.{name}")
    elif isinstance(ours, list):
        _assert_within(ours[0], recorded[0], f"{path}[]")
    else:
        assert ours == recorded, path


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/v1/chat/completions", "chat"),
        ("/v1/embeddings", "embeddings"),
        ("/openai/v1/chat/completions", "chat"),
        ("/openai/deployments/my-model/chat/completions", "chat"),
        ("/openai/deployments/my-model/embeddings", "embeddings"),
        ("/chat/completions", None),
        ("/v1/v1/chat/completions", None),
        ("/v1/models", None),
    ],
)
def test_paths_of_the_openai_wire(path: str, route: str | None) -> None:
    dialect = dialect_for("openai")
    assert dialect is not None
    assert dialect.route("POST", path) == route
    assert dialect.route("GET", path) is None


def _asks(wire: str, **parameters: object) -> ChatRequest:
    dialect = dialect_for(wire)
    assert dialect is not None
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}], **parameters}
    return dialect.read_chat(json.dumps(body).encode())


SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}


@pytest.mark.parametrize(
    ("wire", "parameters", "mode", "strict"),
    [
        ("openai", {}, "text", False),
        ("openai", {"response_format": {"type": "json_object"}}, "json", False),
        (
            "openai",
            {"response_format": {"type": "json_object", "schema": SCHEMA}},
            "schema",
            False,
        ),
        (
            "openai",
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "n", "schema": SCHEMA, "strict": True},
                }
            },
            "schema",
            True,
        ),
        (
            "openai",
            {"tools": [{"type": "function", "function": {"name": "n", "parameters": SCHEMA}}]},
            "tool",
            False,
        ),
        ("anthropic", {}, "text", False),
        ("anthropic", {"tools": [{"name": "n", "input_schema": SCHEMA}]}, "tool", False),
        (
            "anthropic",
            {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
            "schema",
            True,
        ),
    ],
)
def test_how_an_object_is_asked_for_and_answered(
    wire: str, parameters: dict[str, object], mode: str, strict: bool
) -> None:
    request = _asks(wire, **parameters)
    assert (request.mode, request.strict) == (mode, strict)
    assert request.schema == (SCHEMA if mode in ("schema", "tool") else None)
    dialect = dialect_for(wire)
    assert isinstance(dialect, StructuredDialect)
    written = dialect.write_object(request, '{"a": "b"}')
    assert json.loads(dialect.read_object(written).text or "") == {"a": "b"}
    whole = json.loads(written)
    cut = json.loads(dialect.write_object(request, '{"a": "b", "c": "d', cut=True))
    if wire == "openai":
        choice = whole["choices"][0]
        assert choice["finish_reason"] == ("tool_calls" if mode == "tool" else "stop")
        assert cut["choices"][0]["finish_reason"] == "length"
        refused = json.loads(dialect.write_refusal("no") or "")["choices"][0]["message"]
        assert (refused["refusal"], refused["content"]) == ("no", None)
    else:
        (block,) = whole["content"]
        assert block.get("input", block.get("text")) in ({"a": "b"}, '{"a": "b"}')
        assert cut["stop_reason"] == "max_tokens"
        if mode == "tool":
            assert cut["content"][0]["input"] == {"a": "b"}
        assert json.loads(dialect.write_refusal("no") or "")["stop_reason"] == "refusal"
