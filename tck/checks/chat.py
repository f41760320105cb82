"""Checks of `llm.LLMProvider`."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from llm import ChatMessage, LLMProvider
from tck.checks.registry import check
from tck.checks.signatures import assert_signature
from tck.checks.subject import (
    Answer,
    Subject,
    completed,
    described,
    hello,
    raised,
    together,
)
from tck.verdicts import Violation
from tck.wire.dialects.model import ChatReply, ChatRequest, Counts
from tck.wire.wire import Wire

CONCURRENT_CALLS = 64

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


@check("CHAT-01", needs_wire=False)
async def signature(subject: Subject, wire: Wire) -> None:
    async with subject.chat(wire) as provider:
        model = getattr(provider, "model", None)
        if not isinstance(model, str):
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
            _assert_equal("model", reply.model, seen.model)
            reason = reply.finish_reason or wire.dialect.finish_reasons[0]
            _assert_equal("finish_reason", reason, seen.finish_reason)


@check("CHAT-04")
async def reply_without_text(subject: Subject, wire: Wire) -> None:
    async with subject.chat(wire) as provider:
        for text in (None, ""):
            wire.reply(ChatReply(text=text))
            seen = await completed(provider, hello())
            _assert_equal("content of a reply without text", "", seen.text)


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
    async with subject.chat(wire) as provider:
        for expected in counts:
            wire.reply(ChatReply(usage=expected))
            _assert_usage(expected, await completed(provider, hello()))


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
    ]
    arrived: list[ChatRequest] = []

    def script(request: ChatRequest) -> ChatReply:
        arrived.append(request)
        return ChatReply()

    wire.on_chat(script)
    async with subject.chat(wire) as provider:
        for messages in (list(conversation), tuple(conversation), conversation[2:3]):
            before = [message.model_copy() for message in messages]
            arrived.clear()
            await completed(provider, messages)
            if list(messages) != before:
                raise Violation(
                    expected="the caller's messages are unchanged after the call",
                    seen=f"{len(messages)} messages where {len(before)} were passed, or others",
                )
            _assert_conversation(before, _only(arrived))


@check("CHAT-08")
async def max_tokens(subject: Subject, wire: Wire) -> None:
    arrived: list[ChatRequest] = []

    def script(request: ChatRequest) -> ChatReply:
        arrived.append(request)
        return ChatReply(text="cut off in the mid", finish_reason=wire.dialect.cut_reason)

    wire.on_chat(script)
    async with subject.chat(wire) as provider:
        for limit in (17, 1):
            arrived.clear()
            seen = await completed(provider, hello(), max_tokens=limit)
            _assert_equal("max_tokens on the wire", limit, _only(arrived).max_tokens)
            _assert_equal("content of a reply that was cut", "cut off in the mid", seen.text)
            _assert_equal("finish_reason", wire.dialect.cut_reason, seen.finish_reason)


@check("CHAT-10")
async def no_cross_talk(subject: Subject, wire: Wire) -> None:
    async def script(request: ChatRequest) -> ChatReply:
        await wire.turn()
        asked = _NUMBERED.search(request.turns[-1][1]) if request.turns else None
        number = int(asked[1]) if asked else CONCURRENT_CALLS
        return ChatReply(text=f"answer-{number:03}", usage=_usage_of(number))

    wire.on_chat(script)
    async with subject.chat(wire) as provider:

        async def ask(number: int) -> None:
            question = ChatMessage(role="user", content=f"question-{number:03}")
            seen = await completed(provider, [question])
            # Only whose answer it is: what else may be wrong with it is for other checks.
            if f"answer-{number:03}" not in str(seen.text).lower():
                raise Violation(
                    expected=f"question {number} of {CONCURRENT_CALLS} concurrent ones gets its "
                    f"own answer, 'answer-{number:03}'",
                    seen=f"{seen.text!r:.80}",
                )
            owner = _owner_of(seen.usage)
            if owner not in (None, number):
                raise Violation(
                    expected=f"question {number} of {CONCURRENT_CALLS} concurrent ones gets its "
                    "own usage",
                    seen=f"the usage of question {owner}",
                )

        await together(*(ask(number) for number in range(CONCURRENT_CALLS)))


_NUMBERED = re.compile(r"question-(\d{3})")


def _usage_of(number: int) -> Counts:
    return Counts(prompt=1000 + number, completion=2000 + number)


def _owner_of(usage: Counts | None) -> int | None:
    """The number of the question that a usage belongs to, if it is one's."""
    return next((number for number in range(CONCURRENT_CALLS) if _usage_of(number) == usage), None)


@check("CHAT-11")
async def timeout(subject: Subject, wire: Wire) -> None:
    # The shorter bound leaves room for a second and a third attempt of the same length; an
    # adapter that makes them is held to one that does not.
    for short in (0.25, 1.25):
        if await _most_attempts_within(subject, wire, short) == 1:
            return


_STALL, _LATE = "never answer this", "answer this late"
_PATIENT = 30.0


async def _most_attempts_within(subject: Subject, wire: Wire, short: float) -> int:
    """Hold both timeouts to ``short`` seconds; how often a stalled call was attempted."""
    arrived: Counter[str] = Counter()

    async def script(request: ChatRequest) -> ChatReply | None:
        asked = request.turns[-1][1] if request.turns else ""
        arrived[asked] += 1
        if asked.startswith(_STALL):
            # An adapter that blocks its event loop would otherwise never be heard of again.
            await asyncio.sleep(2 * _bound(short))
            return None
        if asked == _LATE:
            await asyncio.sleep(short + 0.25)
        return ChatReply(text=asked)

    wire.on_chat(script)
    async with (
        # With the retries that its users get: the timeout is to hold them too.
        subject.chat(wire, own_retries=True, timeout=_PATIENT) as patient,
        subject.chat(wire, own_retries=True, timeout=short) as hasty,
        subject.chat(wire, own_retries=True, timeout=short) as overridden,
    ):
        # What is slow only once, such as an SDK's import, is no part of what is timed.
        for provider in (patient, hasty, overridden):
            await completed(provider, hello(), timeout=_PATIENT)
        await together(
            _assert_times_out(subject, patient, short, arrived, per_call=True),
            _assert_times_out(subject, hasty, short, arrived, per_call=False),
            _assert_waits(overridden),
        )
    return max(count for asked, count in arrived.items() if asked.startswith(_STALL))


def _bound(timeout: float) -> float:
    return 1.5 * timeout + 0.5


async def _assert_times_out(
    subject: Subject, provider: Any, timeout: float, arrived: Counter[str], *, per_call: bool
) -> None:
    bound = _bound(timeout)
    whose = "complete(timeout=…)" if per_call else "the constructor's timeout"
    parameters = {"timeout": timeout} if per_call else {}
    question = f"{_STALL} ({whose})"
    messages = [ChatMessage(role="user", content=question)]
    start = time.perf_counter()
    error = await raised(
        lambda: provider.complete(messages, **parameters),
        f"complete() against a stalled server, with {whose} of {timeout:g} s,",
        limit=bound,
    )
    took = time.perf_counter() - start
    if question not in arrived:
        raise Violation(
            expected="the request reaches the server before it times out",
            seen=f"{described(error)}, and no request",
        )
    if not isinstance(error, subject.error_class("ProviderTimeoutError")):
        raise Violation(
            expected=f"ProviderTimeoutError after {whose} of {timeout:g} s", seen=described(error)
        )
    if took > bound:  # whoever blocks the event loop escapes the limit above
        raise Violation(
            expected=f"ProviderTimeoutError within {bound:g} s ({whose}: {timeout:g} s)",
            seen=f"it came after {took:.2f} s",
        )


async def _assert_waits(provider: Any) -> None:
    question = ChatMessage(role="user", content=_LATE)
    seen = await completed(provider, [question], timeout=_PATIENT)
    _assert_equal(
        "content of a reply that is later than the constructor's timeout, within the call's",
        _LATE,
        seen.text,
    )


def _only(arrived: Sequence[ChatRequest]) -> ChatRequest:
    if len(arrived) != 1:
        raise Violation(
            expected="one request for one call", seen=f"{len(arrived)} chat requests arrived"
        )
    return arrived[0]


def _assert_equal(what: str, expected: object, seen: object) -> None:
    if seen != expected or not isinstance(seen, type(expected)):
        raise Violation(expected=f"{what} = {expected!r:.120}", seen=f"{what} = {seen!r:.120}")


def _assert_same_text(expected: str, seen: object) -> None:
    if not isinstance(seen, str):
        raise Violation(expected="content is a str", seen=f"content = {seen!r:.120}")
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
        _assert_equal(f"usage.{name}_tokens", getattr(expected, name), getattr(seen, name))
    _assert_equal("usage.total_tokens", expected.total, answer.total_tokens)


def _assert_conversation(messages: Sequence[ChatMessage], request: ChatRequest) -> None:
    """Every message once, in order, with its role; instructions may be joined into one."""
    instructions = [message.content for message in messages if message.role == "system"]
    turns = [(message.role, message.content) for message in messages if message.role != "system"]
    for role, text in request.turns:
        for instruction in instructions:
            if instruction in text:
                raise Violation(
                    expected=f"the system message {instruction!r} arrives as an instruction",
                    seen=f"it arrived in a turn of the {role}",
                )
    _assert_in_order(instructions, "\n".join(request.instructions))
    if len(request.turns) != len(turns):
        raise Violation(
            expected=f"{len(turns)} turns arrive: {', '.join(role for role, _ in turns)}",
            seen=f"{len(request.turns)}: {', '.join(role for role, _ in request.turns)}",
        )
    for number, (expected, arrived) in enumerate(zip(turns, request.turns, strict=True)):
        if arrived != expected:
            raise Violation(
                expected=f"turn {number} is {expected[0]}: {expected[1]!r}",
                seen=f"{arrived[0]}: {arrived[1]!r:.120}",
            )


def _assert_in_order(instructions: Sequence[str], whole: str) -> None:
    end = 0
    for text in instructions:
        count = whole.count(text)
        place = whole.find(text, end)
        if count != 1 or place < 0:
            raise Violation(
                expected=f"the instruction {text!r} arrives once, after those before it",
                seen="it arrived out of order" if count == 1 else f"it arrived {count} times",
            )
        end = place + len(text)
