"""Checks of `llm.LLMProvider`: calls at once, calls that end early, and event loops."""

from __future__ import annotations

import asyncio
import gc
import re
import warnings
from collections import Counter
from functools import partial
from typing import Any

from llm import ChatMessage
from tck.building import release
from tck.checks.calls import Hung, described, ended, raised, run_alone, together
from tck.checks.comparing import as_text, assert_equal
from tck.checks.conversations import text_of
from tck.checks.registry import check
from tck.checks.subject import Subject, completed, hello
from tck.checks.timing import OVERTIME, Missed, Stopwatch, in_time
from tck.verdicts import Violation
from tck.wire.dialects.model import ChatReply, ChatRequest, Counts
from tck.wire.server import Reply
from tck.wire.wire import Wire

CONCURRENT_CALLS = 64
OVERLAPPING = 8


@check("CHAT-10")
async def no_cross_talk(subject: Subject, wire: Wire) -> None:
    async def script(request: ChatRequest) -> ChatReply:
        await wire.turn(CONCURRENT_CALLS)
        asked = _NUMBERED.search(text_of(request))
        number = int(asked[1]) if asked else CONCURRENT_CALLS
        return ChatReply(text=f"answer-{number:03}", usage=_usage_of(number))

    wire.on_chat(script)
    async with subject.chat(wire) as provider:

        async def ask(number: int) -> None:
            seen = await completed(provider, _asking(number))
            # Only whose answer it is: what else may be wrong with it is for other checks.
            if f"answer-{number:03}" not in as_text(seen.text).lower():
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
    """The number of the question that a usage belongs to, if any."""
    return next((number for number in range(CONCURRENT_CALLS) if _usage_of(number) == usage), None)


@check("CHAT-11")
async def timeout(subject: Subject, wire: Wire) -> None:
    # The shortest leaves room for a second and a third attempt of the same length; an adapter
    # that makes them is held to a longer one.
    attempt = partial(_most_attempts_within, subject, wire)
    if await in_time(attempt, _TIMEOUTS, every=True) > 1:
        await in_time(attempt, _TIMEOUTS[1:], every=True)


_TIMEOUTS = (0.25, 1.25, 3.0)
"""Timeouts to hold an adapter to, in seconds, the longer ones for a busy machine."""

# What the server is asked to do, as it stands in the question.
_NO_REPLY = "never answer this"
_HALF_A_REPLY = "answer half of this"
_LATE_REPLY = "answer this late"
_PATIENT = 30.0


async def _most_attempts_within(subject: Subject, wire: Wire, short: float) -> int:
    """Hold both timeouts to ``short`` seconds; how often a stalled call was attempted."""
    arrived: Counter[str] = Counter()

    # An adapter that blocks its event loop would otherwise never be heard of again.
    for_good = 2 * _bound(short)

    async def script(request: ChatRequest) -> ChatReply | Reply | None:
        asked = request.turns[-1][1] if request.turns else ""
        arrived[asked] += 1
        if asked.startswith(_HALF_A_REPLY):
            whole = wire.dialect.write_chat(ChatReply())
            return Reply(whole, cut_at=len(whole) // 2, stall=for_good)
        if asked.startswith(_NO_REPLY):
            await asyncio.sleep(for_good)
            return None
        if asked == _LATE_REPLY:
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
            _assert_times_out(subject, patient, short, arrived, _NO_REPLY, per_call=True),
            _assert_times_out(subject, halfway, short, arrived, _HALF_A_REPLY, per_call=True),
            _assert_times_out(subject, hasty, short, arrived, _NO_REPLY, per_call=False),
            _assert_waits(overridden),
        )
    stalled = (_NO_REPLY, _HALF_A_REPLY)
    return max(count for asked, count in arrived.items() if asked.startswith(stalled))


def _bound(timeout: float) -> float:
    return 1.5 * timeout + 0.5


async def _assert_times_out(
    subject: Subject,
    provider: Any,
    timeout: float,
    arrived: Counter[str],
    asked: str,
    *,
    per_call: bool,
) -> None:
    bound = _bound(timeout)
    whose = "complete(timeout=…)" if per_call else "the constructor's timeout"
    parameters = {"timeout": timeout} if per_call else {}
    question = f"{asked} ({whose})"
    messages = [ChatMessage(role="user", content=question)]
    stalls = "stalls after half a reply" if asked == _HALF_A_REPLY else "stalls"
    what = f"complete() against a server that {stalls}, with {whose} of {timeout:g} s"
    expected = f"ProviderTimeoutError within {bound:g} s from {what}"
    watch = Stopwatch()
    try:
        error = await raised(
            lambda: provider.complete(messages, **parameters), what, limit=OVERTIME * bound
        )
    except Hung as hung:
        raise Missed(expected=expected, seen=hung.seen, bound=bound, watch=watch) from hung
    if question not in arrived:
        raise Missed(
            expected="the request reaches the server before it times out",
            seen=f"{described(error)}, and no request",
            bound=_TIMEOUTS[0],
            watch=watch,
        ) from error
    if watch.took > bound:  # whoever blocks the event loop escapes the limit above
        seen = f"{described(error)}, after {watch.took:.2f} s"
        raise Missed(expected=expected, seen=seen, bound=bound, watch=watch) from error
    subject.assert_kind(error, "ProviderTimeoutError", what)


async def _assert_waits(provider: Any) -> None:
    question = ChatMessage(role="user", content=_LATE_REPLY)
    seen = await completed(provider, [question], timeout=_PATIENT)
    assert_equal(
        "content of a reply that is later than the constructor's timeout, within the call's",
        _LATE_REPLY,
        seen.text,
    )


@check("CHAT-12")
async def cancellation(subject: Subject, wire: Wire) -> None:
    await in_time(partial(_assert_cancellable, subject, wire), _DEPARTURES, every=False)


_DEPARTURES = (2.0, 3.0, 6.0)
"""Seconds in which a cancelled call must have let go of its connection."""

_HELD = "hold this until its client leaves"


async def _assert_cancellable(subject: Subject, wire: Wire, departure: float) -> None:
    loop, arrived = asyncio.get_running_loop(), asyncio.Event()
    received, departed = len(wire.received), wire.departed

    async def script(request: ChatRequest) -> ChatReply | None:
        if request.turns and request.turns[-1][1] == _HELD:
            loop.call_soon_threadsafe(arrived.set)
            # Longer than a client that does not leave is waited for, but not much.
            await asyncio.sleep(2 * departure)
            return None
        return ChatReply(text="still here")

    wire.on_chat(script)
    async with subject.chat(wire) as provider:
        question = [ChatMessage(role="user", content=_HELD)]
        call = asyncio.ensure_future(ended(lambda: provider.complete(question), "complete()"))
        waiting = asyncio.ensure_future(arrived.wait())
        try:
            await asyncio.wait({call, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if not arrived.is_set():
                call.result()  # it has not ended, or not well
                wire.assert_received(received)
        finally:
            waiting.cancel()
        watch = Stopwatch()
        call.cancel()
        await asyncio.wait({call}, timeout=OVERTIME * departure)
        _assert_cancelled(call, departure, watch)
        await _assert_departed(wire, departed, departure)
        seen = await completed(provider, hello())
        assert_equal("content of the call after a cancelled one", "still here", seen.text)


def _assert_cancelled(call: asyncio.Future[Any], departure: float, watch: Stopwatch) -> None:
    expected = "a cancelled complete() raises CancelledError"
    if not call.done() or watch.took > departure:
        seen = f"it has not ended after {departure:g} s"
        raise Missed(expected=expected, seen=seen, bound=departure, watch=watch)
    if call.cancelled():
        return
    outcome, error = call.result()
    seen = f"it returned {outcome!r:.120}" if error is None else described(error)
    raise Violation(expected=expected, seen=seen)


async def _assert_departed(wire: Wire, departed: int, departure: float) -> None:
    watch = Stopwatch()
    while wire.departed <= departed and watch.took < OVERTIME * departure:  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    if watch.took > departure:
        raise Missed(
            expected="cancelling the call closes its connection",
            seen=f"the connection was still open {departure:g} s later",
            bound=departure,
            watch=watch,
        )


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
                run_alone(second(run_alone(first())))
            finally:
                gc.collect()

    await asyncio.to_thread(one_after_the_other)


@check("CHAT-17")
async def calls_overlap(subject: Subject, wire: Wire) -> None:
    await in_time(partial(_assert_overlapping, subject, wire), _QUIET, every=False)


_QUIET = (0.1, 0.5, 2.0)
"""Seconds without another request after which no more are expected for now."""


async def _assert_overlapping(subject: Subject, wire: Wire, quiet: float) -> None:
    before = len(wire.received)

    async def script(_: ChatRequest) -> ChatReply:
        # Only the first requests are worth waiting for: they may be enough.
        first = len(wire.received) - before <= OVERLAPPING
        await wire.turn(CONCURRENT_CALLS, quiet if first else _QUIET[0])
        return ChatReply()

    wire.on_chat(script)
    watch = Stopwatch()
    async with subject.chat(wire) as provider:
        await together(*(_completes(provider) for _ in range(CONCURRENT_CALLS)))
    if wire.most_in_flight < OVERLAPPING:
        raise Missed(
            expected=f"at least {OVERLAPPING} of {CONCURRENT_CALLS} concurrent calls are in "
            "flight at once",
            seen=f"at most {wire.most_in_flight}",
            took=quiet,  # explained where the machine may have kept a request for as long
            bound=0.0,
            watch=watch,
        )


async def _completes(provider: Any) -> None:
    await completed(provider, hello())
