"""Checks of `llm.LLMProvider`: what is sent, and what is made of the reply."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from llm import ChatMessage, LLMProvider
from tck.checks.answers import Answer
from tck.checks.calls import ended, raised
from tck.checks.comparing import as_text, assert_equal, contents, is_a, plain
from tck.checks.conversations import assert_conversation
from tck.checks.logs import captured_logs
from tck.checks.registry import check
from tck.checks.signatures import assert_signature
from tck.checks.subject import Subject, completed, hello, say_hello
from tck.verdicts import Exempt, Violation
from tck.wire.dialects.model import ChatReply, ChatRequest, Counts
from tck.wire.wire import API_KEY, Wire

_TEXTS = (
    "plain",
    "  leading and trailing white space \n\n",
    "\ttabs\r\nand both kinds of line ends\n",
    "emoji 👩‍👩‍👧‍👦 and 日本語",
    "e\u0301 is not é, \ufb01 is not fi, \u212b is not Å",
    'quotes " \u201c \u2019, backslashes \\n \\u0041, {"json": true}, ```fences```',
    "\u2028 \u00a0 \ufeff \u200b \x00 \x1f",
    "0123456789abcdef" * 65536,
)


@check("CHAT-01", needs_wire=False, sends=False)
async def signature(subject: Subject, wire: Wire) -> None:
    async with subject.chat(wire) as provider:
        model = getattr(provider, "model", None)
        if not is_a(model, str):
            raise Violation(
                expected="the provider has an attribute model of type str",
                seen=f"model = {model!r:.80}",
                look_at="the constructor of the provider",
            )
        assert_signature(provider, "complete", LLMProvider)


@check("CHAT-03")
async def reply_passes_through(subject: Subject, wire: Wire) -> None:
    replies = [ChatReply(text=text, model=f"m-{number}") for number, text in enumerate(_TEXTS)]
    replies += [ChatReply(finish_reason=reason) for reason in wire.dialect.finish_reasons]
    async with subject.chat(wire) as provider:
        for reply in replies:
            wire.reply(reply)
            seen = await completed(provider, hello())
            _assert_same_text(reply.text or "", seen.text)
            assert_equal("model", reply.model, seen.model)
            reason = reply.finish_reason or wire.dialect.finish_reasons[0]
            assert_equal("finish_reason", reason, seen.finish_reason)


@check("CHAT-04")
async def reply_without_text(subject: Subject, wire: Wire) -> None:
    async with subject.chat(wire) as provider:
        for text in (None, ""):
            wire.reply(ChatReply(text=text))
            seen = await completed(provider, hello())
            assert_equal("content of a reply without text", "", seen.text)


@check("CHAT-05")
async def usage(subject: Subject, wire: Wire) -> None:
    counts: list[Counts | None] = [
        Counts(prompt=11, completion=7),
        Counts(prompt=120, completion=5, cached=64, written=16),
        Counts(prompt=9, completion=0),
        Counts(prompt=12345, completion=678),
    ]
    if wire.dialect.may_omit_usage:
        counts.insert(2, None)
    replies = [ChatReply(usage=expected) for expected in counts]
    replies.append(ChatReply(usage=Counts(prompt=21, completion=3), cache_counted=False))
    async with subject.chat(wire) as provider:
        for reply in replies:
            wire.reply(reply)
            _assert_usage(reply.usage, await completed(provider, hello()))


@check("CHAT-06")
async def messages_reach_the_wire(subject: Subject, wire: Wire) -> None:
    conversation = [
        ChatMessage(role="system", content="First instruction: café."),
        ChatMessage(role="system", content="Second instruction."),
        ChatMessage(role="user", content="First question,\n with a line feed"),
        ChatMessage(role="assistant", content="First answer"),
        ChatMessage(role="user", content="Second question"),
        ChatMessage(role="system", content="Late instruction."),
        ChatMessage(role="assistant", content="Second answer"),
        ChatMessage(role="user", content="Third question 😀"),
        # As a chat holds them: two in a row, one that was there before, and a piece of code.
        ChatMessage(role="user", content="    indented = True\n"),
        ChatMessage(role="assistant", content="First answer"),
        ChatMessage(role="user", content="Second question"),
    ]
    arrived = _arriving(wire)
    async with subject.chat(wire) as provider:
        for messages in (list(conversation), tuple(conversation), conversation[2:3]):
            before, was = [message.model_copy() for message in messages], contents(messages)
            arrived.clear()
            await completed(provider, messages)
            if contents(messages) != was:
                raise Violation(
                    expected="the caller's messages are unchanged after the call",
                    seen=f"{len(messages)} messages where {len(before)} were passed, or others",
                )
            assert_conversation(before, _only(arrived))


@check("CHAT-08")
async def max_tokens(subject: Subject, wire: Wire) -> None:
    arrived: list[ChatRequest] = []

    def script(request: ChatRequest) -> ChatReply:
        arrived.append(request)
        return ChatReply(text="cut off in the mid", finish_reason=wire.dialect.cut_reason)

    wire.on_chat(script)
    async with subject.chat(wire) as provider:
        for limit in (17, 1, 8000):
            arrived.clear()
            seen = await completed(provider, hello(), max_tokens=limit)
            assert_equal("max_tokens on the wire", limit, _only(arrived).max_tokens)
            assert_equal("content of a reply that was cut", "cut off in the mid", seen.text)
            assert_equal("finish_reason", wire.dialect.cut_reason, seen.finish_reason)


@check("CHAT-02")
async def model_names(subject: Subject, wire: Wire) -> None:
    async with subject.chat(wire) as provider:
        prefix, slash, bare = as_text(getattr(provider, "model", "")).partition("/")
        given = subject.adapter.model
        if not (prefix and slash and bare):
            raise Violation(
                expected=f"model is provider/model when built as {given!r}",
                seen=f"model = {getattr(provider, 'model', None)!r:.80}",
            )
    names = {
        given: bare,
        bare: bare,
        f"{prefix}/vendor/{bare}": f"vendor/{bare}",
        f"{prefix}/{prefix}/{bare}": f"{prefix}/{bare}",
        f"{prefix}/ft:{bare}:acme::x1": f"ft:{bare}:acme::x1",
    }
    for name, on_the_wire in names.items():
        arrived = _arriving(wire)
        async with subject.chat(wire, model=name) as provider:
            await completed(provider, hello())
            assert_equal(f"model on the wire, built as {name!r}", on_the_wire, _only(arrived).model)
            assert_equal(f"model, built as {name!r}", f"{prefix}/{on_the_wire}", provider.model)


@check("CHAT-07")
async def temperature(subject: Subject, wire: Wire) -> None:
    claim = subject.claims("temperature")
    async with subject.chat(wire) as provider:
        for parameters in ({"temperature": 0.7}, {"temperature": 0.0}, {"temperature": 1.0}, {}):
            arrived = _arriving(wire)
            await completed(provider, hello(), **parameters)
            seen = _only(arrived).temperature
            if claim is not None:
                _assert_left_out("temperature", seen, claim)
            elif not _same_number(parameters.get("temperature", 0.0), seen):
                shown = f"temperature={parameters['temperature']}" if parameters else ""
                raise Violation(
                    expected=f"temperature {parameters.get('temperature', 0.0)} on the wire after "
                    f"complete({shown})",
                    seen="no temperature" if seen is None else f"temperature {seen!r:.40}",
                )
    if claim is not None:
        raise Exempt(f"no temperature is sent: {claim}")


@check("CHAT-09")
async def stop(subject: Subject, wire: Wire) -> None:
    claim = subject.claims("stop")
    async with subject.chat(wire) as provider:
        sequences: tuple[Sequence[str], ...] = (["END"], ["one", " two\n"], ("END", "###"))
        for texts in sequences:
            arrived = _arriving(wire)
            await completed(provider, hello(), stop=texts)
            if claim is not None:
                _assert_left_out("stop", _only(arrived).stop, claim)
            else:
                assert_equal(
                    f"stop on the wire after complete(stop={texts!r})",
                    tuple(texts),
                    _only(arrived).stop,
                )
        arrived = _arriving(wire)
        await completed(provider, hello())
        if _only(arrived).stop:
            raise Violation(
                expected="no stop on the wire when none was given",
                seen=f"stop = {_only(arrived).stop!r:.120}",
            )
    if claim is not None:
        raise Exempt(f"no stop is sent: {claim}")


@check("CHAT-13")
async def raw(subject: Subject, wire: Wire) -> None:
    reply = ChatReply(text="the text of the reply", model="the-model-of-the-reply")
    wire.reply(reply)
    async with subject.chat(wire) as provider:
        assert_equal("raw without return_raw", None, (await completed(provider, hello())).raw)
    async with subject.chat(wire, return_raw=True) as provider:
        seen = (await completed(provider, hello())).raw
        if not is_a(seen, dict):
            raise Violation(
                expected="raw is the response as a dict when built with return_raw=True",
                seen=f"raw = {seen!r:.120}",
            )
        inside = set(_leaves(plain(seen)))
        for part in (reply.text, reply.model):
            if part not in inside:
                raise Violation(
                    expected=f"raw holds the provider's response, with {part!r} in it",
                    seen=f"raw = {seen!r:.200}",
                )


@check("CHAT-15")
async def no_key_in_sight(subject: Subject, wire: Wire) -> None:
    with captured_logs() as logged:
        async with subject.chat(wire) as provider:
            shown = {"repr() of the provider": repr(provider)}
            wire.reply(ChatReply())
            await completed(provider, hello())
            for status in (401, 400, 500):
                wire.fail(status, "no")
                shown[f"the error after {status}"] = await _error_shown(provider)
            wire.answer(None)
            shown["the error after a lost connection"] = await _error_shown(provider)
    for number, record in enumerate(logged):
        shown[f"log record {number}"] = record
    for where, text in shown.items():
        if API_KEY in plain(text):
            raise Violation(
                expected="the API key is nowhere to be seen",
                seen=f"it is in {where}: {plain(text).replace(API_KEY, '<the key>'):.160}",
            )


async def _error_shown(provider: Any) -> str:
    with suppress(Violation):  # whether it raises is for other checks
        error = await raised(lambda: say_hello(provider), "complete()")
        return "".join(traceback.format_exception(error))
    return ""


@check("CHAT-16", sends=False)
async def stop_as_a_bare_string(subject: Subject, wire: Wire) -> None:
    if subject.claims("stop") is not None:
        raise Exempt("no stop is sent")
    arrived = _arriving(wire)
    async with subject.chat(wire) as provider:
        call = "complete(stop='END')"
        _, refusal = await ended(lambda: provider.complete(hello(), stop="END"), call)
        if refusal is not None and not arrived:
            return  # refused before any request: nobody is misled
        if _only(arrived).stop != ("END",):
            raise Violation(
                expected="stop='END' is sent as one text, or refused",
                seen=f"stop on the wire = {_only(arrived).stop!r:.80}",
            )


def _arriving(wire: Wire) -> list[ChatRequest]:
    """A list that fills with what arrives from now on; every request gets an ordinary reply."""
    arrived: list[ChatRequest] = []

    def script(request: ChatRequest) -> ChatReply:
        arrived.append(request)
        return ChatReply()

    wire.on_chat(script)
    return arrived


def _assert_left_out(parameter: str, seen: object, claim: str) -> None:
    if seen is not None:
        raise Violation(
            expected=f"no {parameter} on the wire, as limits says: {claim}",
            seen=f"{parameter} = {seen!r:.80}",
            look_at=f"limits={{{parameter!r}: …}} of the AdapterUnderTest, which is not true",
        )


def _same_number(expected: float, seen: object) -> bool:
    is_number = isinstance(seen, int | float) and not isinstance(seen, bool)
    return is_number and seen == expected


def _leaves(value: object) -> Iterator[object]:
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _leaves(inner)
    elif isinstance(value, str):
        yield value


def _only(arrived: Sequence[ChatRequest]) -> ChatRequest:
    if len(arrived) != 1:
        raise Violation(
            expected="one request for one call", seen=f"{len(arrived)} chat requests arrived"
        )
    return arrived[0]


def _assert_same_text(expected: str, seen: str | None) -> None:
    if seen is None:
        raise Violation(expected="content is a str", seen="content = None")
    if seen == expected:
        return
    place = next(
        (
            index
            for index, pair in enumerate(zip(expected, seen, strict=False))
            if len(set(pair)) > 1
        ),
        min(len(expected), len(seen)),
    )
    raise Violation(
        expected=f"content of {len(expected)} characters, with "
        f"{expected[place : place + 20]!r} at {place}",
        seen=f"content of {len(seen)} characters, with {seen[place : place + 20]!r} at {place}",
    )


def _assert_usage(expected: Counts | None, answer: Answer) -> None:
    seen = answer.usage
    if expected is None or seen is None:
        if expected is not seen:
            raise Violation(
                expected="usage is None, as the reply counts no tokens"
                if expected is None
                else f"usage with {expected.prompt} + {expected.completion} tokens",
                seen=f"usage = {seen}",
            )
        return
    for name in ("prompt", "completion", "cached"):
        assert_equal(f"usage.{name}_tokens", getattr(expected, name), getattr(seen, name))
    assert_equal("usage.total_tokens", expected.total, answer.total_tokens)
