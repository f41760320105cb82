"""Checks of `llm.backends.BaseBackendLLM`.

The contract is structural: what has its three members is a backend.
"""

from __future__ import annotations

import inspect
import json
import re
from typing import Any

from tck.checks.calls import described, raised, returned, together
from tck.checks.comparing import as_text, assert_equal, is_a, plain
from tck.checks.conversations import assert_turns
from tck.checks.extraction import (
    INSTANCES,
    Attempts,
    Part,
    Vehicle,
    as_json,
    assert_instance,
    in_turn,
)
from tck.checks.registry import check
from tck.checks.subject import Subject
from tck.verdicts import Violation
from tck.wire.dialects.model import ChatReply, ChatRequest
from tck.wire.server import Reply
from tck.wire.wire import API_KEY, Wire

CONCURRENT_CALLS = 32

_NAMES = {"max_completion_tokens": "max_tokens", "stop_sequences": "stop"}
"""What wires call the parameters that have a field of their own in a request."""


def hello() -> list[dict[str, str]]:
    """A conversation that does not matter."""
    return [{"role": "user", "content": "hello"}]


@check("BKD-01", needs_wire=False, sends=False)
async def members(subject: Subject, wire: Wire) -> None:
    async with subject.backend(wire) as backend:
        kwargs = inspect.getattr_static(type(backend), "get_model_kwargs", None)
        if not is_a(kwargs, property):
            raise Violation(expected="get_model_kwargs is a property", seen=f"{kwargs!r:.100}")
        for name in ("__call__", "close"):
            method = getattr(type(backend), name, None)
            if not inspect.iscoroutinefunction(method):
                raise Violation(
                    expected=f"{name} is a coroutine function (`async def`)",
                    seen=f"{name} = {method!r:.100}",
                )
        parameters = list(inspect.signature(type(backend).__call__).parameters.values())[1:]
        names = [parameter.name for parameter in parameters[:2]]
        if names != ["messages", "output_schema_model"] or parameters[1].default is not None:
            raise Violation(
                expected="__call__(messages, output_schema_model=None)",
                seen=f"__call__({', '.join(map(str, parameters))})",
            )


@check("BKD-02")
async def model_kwargs(subject: Subject, wire: Wire) -> None:
    async with subject.backend(wire) as backend:
        dict.__setitem__(_kwargs(backend), "model", "changed by the caller")
        kwargs = plain(_kwargs(backend))
        if kwargs["model"] == "changed by the caller":
            raise Violation(
                expected="get_model_kwargs is a fresh dict each time",
                seen="what one caller changes, the next one sees",
            )
        request = await _asked(backend, wire)
        sent = {_NAMES.get(name, name): value for name, value in request.parameters.items()}
        sent |= {"model": request.model, "stream": sent.get("stream", False)}
        for name, value in kwargs.items():
            if value is not None and sent.get(name) != value:
                raise Violation(
                    expected=f"{name} = {value!r:.60} on the wire, as get_model_kwargs says",
                    seen=f"{name} = {sent.get(name)!r:.60}",
                )


@check("BKD-03")
async def a_str(subject: Subject, wire: Wire) -> None:
    async with subject.backend(wire) as backend:
        for text in ("  a text\nas it is 😀 ", "", None):
            wire.reply(ChatReply(text=text))
            seen = await returned(lambda: backend(hello()), "await backend(messages)")
            assert_equal(f"the answer to a reply with the text {text!r}", text or "", seen)


@check("BKD-04")
async def messages_and_roles(subject: Subject, wire: Wire) -> None:
    messages = [
        {"role": "system", "content": "Instruction: café."},
        {"role": "user", "content": "First question,\n with a line feed"},
        {"role": "assistant", "content": "First answer"},
        # Two in a row, and a piece of code.
        {"role": "user", "content": "Second question 😀"},
        {"role": "user", "content": "    indented = True\n"},
    ]
    before = [dict(message) for message in messages]
    async with subject.backend(wire) as backend:
        request = await _asked(backend, wire, messages)
        if plain(messages) != before:
            raise Violation(expected="the caller's list is unchanged", seen=f"{messages!r:.200}")
        assert_equal(
            "the instructions on the wire", before[0]["content"], "\n".join(request.instructions)
        )
        assert_turns(
            [(message["role"], message["content"]) for message in before[1:]], request.turns
        )


@check("BKD-05")
async def no_streaming(subject: Subject, wire: Wire) -> None:
    async with subject.backend(wire) as backend:
        request = await _asked(backend, wire)
        if request.parameters.get("stream"):
            raise Violation(
                expected="no streaming is asked for",
                seen=f"stream = {request.parameters['stream']!r:.40}",
            )


@check("BKD-06")
async def close(subject: Subject, wire: Wire) -> None:
    async with subject.backend(wire) as backend:
        await _asked(backend, wire)
        await returned(backend.close, "close()")
        await wire.assert_no_connections("close() releases the connections")
        await returned(backend.close, "a second close()")


@check("BKD-07")
async def failures_raise(subject: Subject, wire: Wire) -> None:
    async with subject.backend(wire) as backend:
        for status in (400, 401, 403, 404, 422, 429, 500, 503):
            wire.fail(status, "the text of an error")
            await raised(lambda: backend(hello()), f"await backend(messages) against {status}")
        for what, reply in (
            ("a reset before the reply", None),
            ("a 200 with HTML", Reply(b"<html>Bad gateway</html>")),
            ("a 200 with an empty object", Reply(b"{}")),
        ):
            wire.answer(reply)
            await raised(lambda: backend(hello()), f"await backend(messages) against {what}")


@check("BKD-08")
async def no_cross_talk(subject: Subject, wire: Wire) -> None:
    async def script(request: ChatRequest) -> ChatReply:
        await wire.turn(CONCURRENT_CALLS)
        asked = re.search(r"question-\d\d", request.turns[-1][1])
        return ChatReply(text=f"the answer to {asked[0] if asked else 'nothing'}")

    wire.on_chat(script)
    async with subject.backend(wire) as backend:

        async def ask(number: int) -> None:
            question = f"question-{number:02}"
            messages = [{"role": "user", "content": question}]
            seen = await returned(lambda: backend(messages), "await backend(messages)")
            if question not in as_text(seen):
                raise Violation(
                    expected=f"call {number} of {CONCURRENT_CALLS} concurrent ones gets its own "
                    "answer",
                    seen=f"{seen!r:.80}",
                )

        await together(*(ask(number) for number in range(CONCURRENT_CALLS)))


@check("BKD-09")
async def an_instance(subject: Subject, wire: Wire) -> None:
    async with subject.backend(wire) as backend:
        for instance in INSTANCES[:2]:
            in_turn(wire, as_json(instance))
            assert_instance(instance, await _structured(backend, type(instance)))


@check("BKD-10")
async def the_schema(subject: Subject, wire: Wire) -> None:
    async with subject.backend(wire) as backend:
        attempts = in_turn(wire, as_json(Vehicle(owner="Ana", wheel_count=4)))
        await _structured(backend, Vehicle)
        sent = json.dumps(attempts.first.parameters)
        for name in Vehicle.model_fields:
            if name not in sent:
                raise Violation(
                    expected="the schema reaches the wire", seen=f"there is no {name!r} in it"
                )


@check("BKD-11")
async def bad_output_raises(subject: Subject, wire: Wire) -> None:
    dialect = wire.structured_dialect

    def cut(request: ChatRequest) -> Reply:
        # What is whole of it validates, so that it could be believed.
        return Reply(dialect.write_object(request, '{"label": "wheel", "weight": 1', cut=True))

    async with subject.backend(wire) as backend:
        for what, text in (
            ("output of other types", '{"owner": "Ana", "wheel_count": "many"}'),
            ("output without a field", '{"owner": "Ana"}'),
        ):
            in_turn(wire, text)
            await raised(lambda: backend(hello(), Vehicle), f"await backend(…) against {what}")
        refused = dialect.write_refusal("I cannot help with that.")
        if refused is not None:
            wire.answer(Reply(refused))
            await raised(lambda: backend(hello(), Vehicle), "await backend(…) against a refusal")
        wire.on_chat(cut)
        await raised(lambda: backend(hello(), Part), "await backend(…) against a cut reply")


def _kwargs(backend: Any) -> dict[str, Any]:
    try:
        kwargs: dict[str, Any] = backend.get_model_kwargs
        written = json.dumps(plain(kwargs))
    except Exception as error:
        raise Violation(
            expected="get_model_kwargs is a JSON-serialisable dict", seen=described(error)
        ) from error
    if not is_a(kwargs, dict) or "model" not in plain(kwargs):
        raise Violation(expected="get_model_kwargs is a dict with model", seen=f"{kwargs!r:.120}")
    if API_KEY in written:
        raise Violation(expected="no secrets in get_model_kwargs", seen="the API key is there")
    return kwargs


async def _asked(
    backend: Any, wire: Wire, messages: list[dict[str, str]] | None = None
) -> ChatRequest:
    """The one request that a call sends."""
    attempts = Attempts(wire, lambda *_: "ok")
    asked = hello() if messages is None else messages
    await returned(lambda: backend(asked), "await backend(messages)")
    first = attempts.first
    if len(attempts.requests) != 1:
        raise Violation(expected="one request", seen=f"{len(attempts.requests)}")
    return first


async def _structured(backend: Any, model: type[Any]) -> Any:
    return await returned(
        lambda: backend(hello(), model), f"await backend(messages, {model.__name__})"
    )
