"""Checks of `llm.StructuredExtractor`."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

from pydantic import BaseModel, ValidationError

from llm import ChatMessage, StructuredExtractor
from tck.checks.calls import Hung, described, raised, together
from tck.checks.comparing import as_text, contents, is_a, plain, same
from tck.checks.conversations import assert_all_there, text_of
from tck.checks.extraction import (
    INSTANCES,
    Attempts,
    Bicycle,
    Vehicle,
    Wheel,
    as_json,
    assert_instance,
    extracted,
    in_turn,
    meaning,
)
from tck.checks.malformed import malformed
from tck.checks.registry import check
from tck.checks.signatures import assert_signature
from tck.checks.subject import Subject, hello
from tck.checks.timing import OVERTIME, Missed, Stopwatch, in_time
from tck.verdicts import NotApplicable, Violation
from tck.wire.dialects.model import ChatRequest
from tck.wire.server import Reply
from tck.wire.wire import Wire

CONCURRENT_CALLS = 32


@check("STR-01", sends=False)
async def signature(subject: Subject, wire: Wire) -> None:
    async with subject.chat(wire) as provider:
        assert_signature(provider, "complete_structured", StructuredExtractor)


@check("STR-02")
async def instances(subject: Subject, wire: Wire) -> None:
    async with subject.chat(wire) as provider:
        for instance in INSTANCES:
            in_turn(wire, as_json(instance))
            assert_instance(instance, await extracted(provider, type(instance)))


@check("STR-03")
async def schema_reaches_the_model(subject: Subject, wire: Wire) -> None:
    async with subject.chat(wire) as provider:
        for instance in INSTANCES[:2]:
            attempts = in_turn(wire, as_json(instance))
            try:
                await extracted(provider, type(instance))
            except Violation:  # what becomes of the answer is for other checks
                if not attempts.requests:
                    raise
            request = attempts.first
            seen = text_of(request) if request.schema is None else json.dumps(request.schema)
            for name in _names(type(instance)):
                if not re.search(rf"\b{name}\b", seen):
                    where = "the prompt" if request.schema is None else f"the {request.mode}"
                    raise Violation(
                        expected=f"the schema of {type(instance).__name__} reaches the model, in "
                        "a structured mode or in the prompt",
                        seen=f"there is no {name!r} in {where} of the request",
                    )


@check("STR-04")
async def feedback(subject: Subject, wire: Wire) -> None:
    vehicle = Vehicle(owner="Ana", wheel_count=4)
    bicycle = Bicycle(frame_colour="red", front_wheel=Wheel(diameter_mm=622))
    # The fields are not in what the model wrote: only the feedback can add them.
    for right, wrong, failing in (
        (vehicle, '{"owner": "Ana"}', ("wheel_count",)),
        (bicycle, '{"front_wheel": {}}', ("frame_colour", "diameter_mm")),
    ):
        async with subject.chat(wire) as provider:
            attempts = in_turn(wire, wrong, as_json(right))
            assert_instance(right, await extracted(provider, type(right), max_retries=1))
        first, second = (text_of(request) for request in _exactly(attempts, 2))
        for name in failing:
            if second.count(name) <= first.count(name):
                raise Violation(
                    expected="the request after invalid output names the field that failed, "
                    f"{name!r}",
                    seen="the same prompt again" if first == second else f"{second[-200:]!r}",
                )


@check("STR-05")
async def number_of_attempts(subject: Subject, wire: Wire) -> None:
    async with subject.chat(wire) as provider:
        for max_retries in (0, 1, 2, 3):
            attempts = in_turn(wire, '{"owner": "Ana", "wheel_count": "many"}')
            await _exhausted(subject, provider, max_retries)
            if len(attempts.requests) != max_retries + 1:
                raise Violation(
                    expected=f"{max_retries + 1} attempts with max_retries={max_retries}",
                    seen=f"{len(attempts.requests)}",
                )


@check("STR-06")
async def last_attempts(subject: Subject, wire: Wire) -> None:
    texts = [json.dumps({"owner": f"Ana {n}", "wheel_count": "many"}) for n in range(3)]
    async with subject.chat(wire) as provider:
        in_turn(wire, *texts)
        error = await _exhausted(subject, provider, 2)
        _assert_kept(texts, error)
        found = plain(getattr(error, "validation_errors", None))
        if not isinstance(found, list) or not found:
            raise Violation(
                expected="validation_errors holds the pydantic errors",
                seen=f"validation_errors = {found!r:.200}",
            )
        for problem in found:  # whole, or as pydantic lists what is in one
            is_pydantic = is_a(problem, ValidationError) or is_a(problem, dict)
            if not is_pydantic or "wheel_count" not in as_text(problem):
                raise Violation(
                    expected="validation_errors are pydantic's, of the field that failed",
                    seen=f"{problem!r:.200}",
                )
        # Prose is an attempt too, and has no pydantic error.
        texts[1] = "I think that it is Ana's."
        in_turn(wire, *texts)
        _assert_kept(texts, await _exhausted(subject, provider, 2))


def _assert_kept(texts: Sequence[str], error: Exception) -> None:
    kept = plain(getattr(error, "last_attempts", None))
    if not isinstance(kept, list) or not same([*map(meaning, texts)], [*map(meaning, kept)]):
        raise Violation(
            expected=f"last_attempts holds every attempt, in order: {texts!r}",
            seen=f"last_attempts = {kept!r:.300}",
        )


@check("STR-08")
async def provider_errors_pass_through(subject: Subject, wire: Wire) -> None:
    classes = {
        401: "ProviderAuthError",
        400: "ProviderInvalidRequestError",
        429: "ProviderRateLimitError",
        500: "ProviderServiceError",
    }
    async with subject.chat(wire) as provider:
        for status, name in classes.items():
            wire.fail(status, "no")
            before = len(wire.received)
            what = f"complete_structured() against HTTP {status}"
            await subject.raises(
                name, lambda: provider.complete_structured(hello(), Vehicle, max_retries=2), what
            )
            sent = len(wire.received) - before
            if status == 401 and sent != 1:
                raise Violation(expected="one request, as 401 will not pass", seen=f"{sent}")
        await _assert_unreadable_replies_raise(subject, wire, provider)


async def _assert_unreadable_replies_raise(subject: Subject, wire: Wire, provider: Any) -> None:
    # Whether such a reply is tried again, and fails in the end, is the adapter's choice.
    failed = subject.error_class("StructuredExtractionError")
    for what, body in malformed(wire, subject.surfaces()[0]).items():
        wire.answer(Reply(body))
        where = f"complete_structured() against a 200 with {what}"
        error = await raised(
            lambda: provider.complete_structured(hello(), Vehicle, max_retries=0), where
        )
        if not is_a(error, failed):
            subject.assert_kind(error, "ProviderError", where)


@check("STR-09")
async def the_callers_messages(subject: Subject, wire: Wire) -> None:
    conversation = [
        ChatMessage(role="system", content="First instruction: café."),
        ChatMessage(role="user", content="    First question,\n    indented\n"),
        ChatMessage(role="assistant", content="First answer"),
        ChatMessage(role="system", content="Late instruction."),
        ChatMessage(role="user", content="Second question 😀"),
    ]
    right = Vehicle(owner="Ana", wheel_count=4)
    async with subject.chat(wire) as provider:
        attempts = in_turn(wire, '{"owner": "Ana"}', as_json(right))
        before, was = list(conversation), contents(conversation)
        await extracted(provider, Vehicle, conversation, max_retries=1)
        if contents(conversation) != was:
            raise Violation(expected="the caller's messages are unchanged", seen="they are not")
        _ = attempts.first
        for request in attempts.requests:
            assert_all_there(before, request)


@check("STR-11")
async def no_cross_talk(subject: Subject, wire: Wire) -> None:
    asked: Counter[int] = Counter()

    async def script(request: ChatRequest) -> Reply:
        await wire.turn(CONCURRENT_CALLS)
        owners = re.findall(r"owner-(\d\d)", text_of(request))
        number = int(owners[0]) if owners else 0
        # The feedback of another call is answered with that call's instance.
        answered = map(int, re.findall(r"wheel-(\d+)", json.dumps(request.parameters)))
        number = next((other for other in answered if other != number), number)
        asked[number] += 1
        # Every second one is answered wrongly at first, so that feedback could be mixed too.
        wrong = number % 2 and asked[number] == 1
        wheels = json.dumps(f"wheel-{number}") if wrong else number
        text = f'{{"owner": "owner-{number:02}", "wheel_count": {wheels}}}'
        return Reply(wire.structured_dialect.write_object(request, text))

    wire.on_chat(script)
    async with subject.chat(wire) as provider:

        async def ask(number: int) -> None:
            question = [ChatMessage(role="user", content=f"vehicle of owner-{number:02}")]
            seen = await extracted(provider, Vehicle, question)
            if not same(Vehicle(owner=f"owner-{number:02}", wheel_count=number), seen):
                raise Violation(
                    expected=f"call {number} of {CONCURRENT_CALLS} concurrent ones gets its own "
                    "instance",
                    seen=f"{seen!r:.120}",
                )

        await together(*(ask(number) for number in range(CONCURRENT_CALLS)))


@check("STR-12")
async def timeout(subject: Subject, wire: Wire) -> None:
    await in_time(partial(_assert_times_out, subject, wire), _TIMEOUTS, every=True)


_TIMEOUTS = (0.25, 1.25, 3.0)
"""Timeouts to hold an adapter to, in seconds, the longer ones for a busy machine."""


async def _assert_times_out(subject: Subject, wire: Wire, short: float) -> None:
    bound = 1.5 * short + 0.5

    # Long enough for a first request, and answers too slow to try again and again.
    async def slow_and_wrong(request: ChatRequest) -> Reply:
        await asyncio.sleep(0.7 * short)
        return Reply(wire.structured_dialect.write_object(request, '{"owner": "Ana"}'))

    async def stalled(_: ChatRequest) -> Reply | None:
        await asyncio.sleep(2 * bound)
        return None

    async with subject.chat(wire) as provider:
        in_turn(wire, as_json(Vehicle(owner="Ana", wheel_count=4)))
        await extracted(provider, Vehicle)
        for what, script in (
            ("a server that stalls", stalled),
            ("answers that are slow and wrong", slow_and_wrong),
        ):
            wire.on_chat(script)
            where = f"complete_structured(timeout={short:g}) against {what}"
            expected = f"ProviderTimeoutError within {bound:g} s from {where}"
            before, watch = len(wire.received), Stopwatch()
            try:
                error = await raised(
                    lambda: provider.complete_structured(
                        hello(), Vehicle, max_retries=20, timeout=short
                    ),
                    where,
                    limit=OVERTIME * bound,
                )
            except Hung as hung:
                raise Missed(expected=expected, seen=hung.seen, bound=bound, watch=watch) from hung
            if watch.took > bound:
                seen = f"{described(error)}, after {watch.took:.2f} s"
                raise Missed(expected=expected, seen=seen, bound=bound, watch=watch) from error
            subject.assert_kind(error, "ProviderTimeoutError", where)
            if len(wire.received) == before:
                raise Missed(
                    expected="the request reaches the server before it times out",
                    seen=f"{described(error)}, and no request",
                    bound=_TIMEOUTS[0],
                    watch=watch,
                ) from error


@check("STR-13")
async def refusal(subject: Subject, wire: Wire) -> None:
    why = "I am sorry, but I cannot help with that."
    refused = wire.structured_dialect.write_refusal(why)
    if refused is None:
        raise NotApplicable(f"the {wire.dialect.name} wire has no refusals")
    wire.answer(Reply(refused))
    async with subject.chat(wire) as provider:
        error = await subject.raises(
            "ProviderError",
            lambda: provider.complete_structured(hello(), Vehicle, max_retries=2),
            "complete_structured() against a refusal",
        )
        wire.assert_received()
        if len(wire.received) != 1:
            raise Violation(
                expected="a refusal is reported at once",
                seen=f"{len(wire.received)} requests",
            )
        said = as_text(error)
        if "refus" not in said.lower() and why not in said:
            raise Violation(expected="the error says that the model refused", seen=described(error))


@check("STR-14")
async def schemas_beyond_strict_mode(subject: Subject, wire: Wire) -> None:
    refused: list[str] = []

    async with subject.chat(wire) as provider:
        for instance in (INSTANCES[2], INSTANCES[3]):

            def script(request: ChatRequest, instance: BaseModel = instance) -> Reply:
                if request.strict:
                    refused.append(type(instance).__name__)
                    message = "Invalid schema for response_format: it cannot be strict"
                    return Reply(wire.dialect.write_error(400, message), 400)
                text = as_json(instance)
                return Reply(wire.structured_dialect.write_object(request, text))

            wire.on_chat(script)
            assert_instance(instance, await extracted(provider, type(instance)))
    if refused:
        raise Violation(
            expected="a schema that strict mode cannot express is not sent in it",
            seen=f"{' and '.join(refused)} cost a request that was refused",
        )


async def _exhausted(subject: Subject, provider: Any, max_retries: int) -> Exception:
    """The error after attempts none of which validates."""
    return await subject.raises(
        "StructuredExtractionError",
        lambda: provider.complete_structured(hello(), Vehicle, max_retries=max_retries),
        "complete_structured() against output that never validates",
    )


def _exactly(attempts: Attempts, number: int) -> list[ChatRequest]:
    _ = attempts.first
    if len(attempts.requests) != number:
        raise Violation(expected=f"{number} attempts", seen=f"{len(attempts.requests)}")
    return attempts.requests


def _names(model: type[BaseModel]) -> set[str]:
    """The names under which the fields of a model, and of those in it, are written."""
    schema = model.model_json_schema()
    nodes = [schema, *schema.get("$defs", {}).values()]
    return {name for node in nodes for name in node.get("properties", {})}
