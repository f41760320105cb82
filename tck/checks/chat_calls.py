"""Checks of `llm.LLMProvider`: calls at once, calls that end early, and event loops."""

from __future__ import annotations

import asyncio
import gc
import re
import time
import warnings
from collections import Counter
from typing import Any

from llm import ChatMessage
from tck.building import release
from tck.checks.registry import check
from tck.checks.subject import (
    CALL_LIMIT,
    Subject,
    assert_equal,
    completed,
    described,
    hello,
    raised,
    together,
    told,
)
from tck.verdicts import Violation
from tck.wire.dialects.model import ChatReply, ChatRequest, Counts
from tck.wire.server import Reply
from tck.wire.wire import Wire

CONCURRENT_CALLS = 64
OVERLAPPING = 8


@check("CHAT-10")
async def no_cross_talk(subject: Subject, wire: Wire) -> None:
    async def script(request: ChatRequest) -> ChatReply:
        await wire.turn()
        asked = _NUMBERED.search(told(request))
        number = int(asked[1]) if asked else CONCURRENT_CALLS
        return ChatReply(text=f"answer-{number:03}", usage=_usage_of(number))

    wire.on_chat(script)
    async with subject.chat(wire) as provider:

        async def ask(number: int) -> None:
            seen = await completed(provider, _asking(number))
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


def _asking(number: int) -> list[ChatMessage]:
    """A conversation that asks a question, which need not be where it differs from the next."""
    question, last = f"question-{number:03}", ChatMessage(role="user", content="Go on.")
    asked = ChatMessage(role="user", content=question)
    conversations = (
        [asked],
        [ChatMessage(role="system", content=f"You answer {question}."), last],
        [asked, ChatMessage(role="assistant", content="One moment."), last],
    )
    return conversations[number % len(conversations)]


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
_STALL_HALFWAY = f"{_STALL}, but for half a reply"
_PATIENT = 30.0


async def _most_attempts_within(subject: Subject, wire: Wire, short: float) -> int:
    """Hold both timeouts to ``short`` seconds; how often a stalled call was attempted."""
    arrived: Counter[str] = Counter()

    # An adapter that blocks its event loop would otherwise never be heard of again.
    for_good = 2 * _bound(short)

    async def script(request: ChatRequest) -> ChatReply | Reply | None:
        asked = request.turns[-1][1] if request.turns else ""
        arrived[asked] += 1
        if asked.startswith(_STALL_HALFWAY):
            whole = wire.dialect.write_chat(ChatReply())
            return Reply(whole, cut_at=len(whole) // 2, stall=for_good)
        if asked.startswith(_STALL):
            await asyncio.sleep(for_good)
            return None
        if asked == _LATE:
            await asyncio.sleep(short + 0.25)
        return ChatReply(text=asked)

    wire.on_chat(script)
    async with (
        # With the retries that its users get: the timeout is to hold them too.
        subject.chat(wire, own_retries=True, timeout=_PATIENT) as patient,
        subject.chat(wire, own_retries=True, timeout=_PATIENT) as halfway,
        subject.chat(wire, own_retries=True, timeout=short) as hasty,
        subject.chat(wire, own_retries=True, timeout=short) as overridden,
    ):
        # What is slow only once, such as an SDK's import, is no part of what is timed.
        for provider in (patient, halfway, hasty, overridden):
            await completed(provider, hello(), timeout=_PATIENT)
        await together(
            _assert_times_out(subject, patient, short, arrived, _STALL, per_call=True),
            _assert_times_out(subject, halfway, short, arrived, _STALL_HALFWAY, per_call=True),
            _assert_times_out(subject, hasty, short, arrived, _STALL, per_call=False),
            _assert_waits(overridden),
        )
    return max(count for asked, count in arrived.items() if asked.startswith(_STALL))


def _bound(timeout: float) -> float:
    return 1.5 * timeout + 0.5


async def _assert_times_out(
    subject: Subject,
    provider: Any,
    timeout: float,
    arrived: Counter[str],
    stall: str,
    *,
    per_call: bool,
) -> None:
    bound = _bound(timeout)
    whose = "complete(timeout=…)" if per_call else "the constructor's timeout"
    parameters = {"timeout": timeout} if per_call else {}
    question = f"{stall} ({whose})"
    messages = [ChatMessage(role="user", content=question)]
    start = time.perf_counter()
    error = await raised(
        lambda: provider.complete(messages, **parameters),
        f"complete() against a server that stalls{stall.removeprefix(_STALL)}, with {whose} of "
        f"{timeout:g} s,",
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
            expected=f"ProviderTimeoutError after {whose} of {timeout:g} s, against a server that "
            f"stalls{stall.removeprefix(_STALL)}",
            seen=described(error),
        )
    if took > bound:  # whoever blocks the event loop escapes the limit above
        raise Violation(
            expected=f"ProviderTimeoutError within {bound:g} s ({whose}: {timeout:g} s)",
            seen=f"it came after {took:.2f} s",
        )


async def _assert_waits(provider: Any) -> None:
    question = ChatMessage(role="user", content=_LATE)
    seen = await completed(provider, [question], timeout=_PATIENT)
    assert_equal(
        "content of a reply that is later than the constructor's timeout, within the call's",
        _LATE,
        seen.text,
    )


@check("CHAT-12")
async def cancellation(subject: Subject, wire: Wire) -> None:
    loop, arrived = asyncio.get_running_loop(), asyncio.Event()

    async def script(request: ChatRequest) -> ChatReply | None:
        if request.turns and request.turns[-1][1] == _STALL:
            loop.call_soon_threadsafe(arrived.set)
            # As long as a client that does not leave is waited for, and no longer.
            await asyncio.sleep(2 * _DEPARTURE)
            return None
        return ChatReply(text="still here")

    wire.on_chat(script)
    async with subject.chat(wire) as provider:
        question = [ChatMessage(role="user", content=_STALL)]
        call = asyncio.ensure_future(provider.complete(question))
        try:
            async with asyncio.timeout(CALL_LIMIT):
                await asyncio.wait(
                    {call, waiting := asyncio.ensure_future(arrived.wait())},
                    return_when=asyncio.FIRST_COMPLETED,
                )
        except TimeoutError:
            raise Violation(expected="complete() sends a request", seen="none arrived") from None
        finally:
            waiting.cancel()
        call.cancel()
        await asyncio.wait({call}, timeout=_DEPARTURE)
        _assert_cancelled(call)
        await _assert_departed(wire)
        seen = await completed(provider, hello())
        assert_equal("content of the call after a cancelled one", "still here", seen.text)


_DEPARTURE = 2.0
"""Seconds in which a cancelled call must have let go of its connection."""


def _assert_cancelled(call: asyncio.Future[Any]) -> None:
    expected = "a cancelled complete() raises CancelledError"
    if not call.done():
        raise Violation(expected=expected, seen=f"it has not ended after {_DEPARTURE:g} s")
    if call.cancelled():
        return
    error = call.exception()
    seen = f"it returned {call.result()!r:.120}" if error is None else described(error)
    raise Violation(expected=expected, seen=seen)


async def _assert_departed(wire: Wire) -> None:
    end = time.perf_counter() + _DEPARTURE
    while not wire.departed:
        if time.perf_counter() > end:
            raise Violation(
                expected="cancelling the call closes its connection",
                seen=f"the connection was still open {_DEPARTURE:g} s later",
            )
        await asyncio.sleep(0.005)


@check("CHAT-14")
async def second_event_loop(subject: Subject, wire: Wire) -> None:
    wire.reply(ChatReply(text="hello"))
    endpoint = wire.endpoint(subject.adapter.model)

    async def first() -> Any:
        provider = subject.build("chat", endpoint, {})
        await completed(provider, hello())
        return provider

    async def second(provider: Any) -> None:
        try:
            await completed(provider, hello())
        finally:
            await release(provider)

    def one_after_the_other() -> None:
        with warnings.catch_warnings():
            # What the first loop leaves open is what this check is about, not news.
            warnings.simplefilter("ignore", ResourceWarning)
            try:
                asyncio.run(second(asyncio.run(first())))
            finally:
                gc.collect()

    await asyncio.to_thread(one_after_the_other)


@check("CHAT-17")
async def calls_overlap(subject: Subject, wire: Wire) -> None:
    async def script(_: ChatRequest) -> ChatReply:
        await wire.turn()
        return ChatReply()

    wire.on_chat(script)
    async with subject.chat(wire) as provider:
        await together(*(_completes(provider) for _ in range(CONCURRENT_CALLS)))
    if wire.most_in_flight < OVERLAPPING:
        raise Violation(
            expected=f"at least {OVERLAPPING} of {CONCURRENT_CALLS} concurrent calls are in "
            "flight at once",
            seen=f"at most {wire.most_in_flight}",
        )


async def _completes(provider: Any) -> None:
    await completed(provider, hello())
