"""Checks of the error taxonomy, on every surface that sends requests."""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from email.utils import formatdate
from typing import Any

from tck.adapter import Endpoint
from tck.building import build, release
from tck.checks.answers import Answer
from tck.checks.calls import described, ended, raised, together
from tck.checks.comparing import assert_equal, inherits, lineage, plain, same
from tck.checks.malformed import TEXT, malformed, miscounted
from tck.checks.registry import check
from tck.checks.subject import BASIC_ERRORS, Subject, Surface, hello
from tck.verdicts import Violation
from tck.wire.dialects.model import is_recorded
from tck.wire.server import Reply
from tck.wire.wire import Wire

CLASS_OF_STATUS = {
    400: "ProviderInvalidRequestError",
    401: "ProviderAuthError",
    403: "ProviderAuthError",
    404: "ProviderInvalidRequestError",
    422: "ProviderInvalidRequestError",
    429: "ProviderRateLimitError",
    500: "ProviderServiceError",
    502: "ProviderServiceError",
    503: "ProviderServiceError",
    529: "ProviderServiceError",
}
"""What the catalogue says of a status."""

# Only the status tells: words such as these stand in messages of every kind.
_MESSAGE = "wire error: invalid api key? rate limit (429)? overloaded? bad request? timed out?"


@check("ERR-01", transmutable=True)
async def unauthorized(subject: Subject, wire: Wire) -> None:
    await _assert_statuses(subject, wire, [401])


@check("ERR-03", transmutable=True)
async def rate_limited(subject: Subject, wire: Wire) -> None:
    for surface in subject.surfaces():
        async with surface.open(wire) as provider:
            before = len(wire.received)
            # An adapter whose retries cannot be switched off sleeps for these: they are small.
            small = "2", "1", "0", None
            for value in small:
                await _assert_retry_after(subject, wire, surface, provider, value)
            # One that has tried nothing again will not sleep for this either.
            if len(wire.received) - before == len(small):
                await _assert_retry_after(subject, wire, surface, provider, "120")


async def _assert_retry_after(
    subject: Subject, wire: Wire, surface: Surface, provider: Any, value: str | None
) -> None:
    expected = None if value is None else float(value)
    wire.fail(429, "slow down", {} if value is None else {"Retry-After": value})
    error = await _error_of(subject, wire, surface, provider, 429)
    seen = plain(getattr(error, "retry_after", "no such attribute"))
    if not same(expected, seen):
        sent = "without Retry-After" if value is None else f"with Retry-After: {value}"
        raise Violation(
            expected=f"retry_after = {expected!r} on the error of {surface.name}() "
            f"after a 429 {sent}",
            seen=f"retry_after = {seen!r:.80}",
        )


@check("ERR-05", transmutable=True)
async def invalid_request(subject: Subject, wire: Wire) -> None:
    await _assert_statuses(subject, wire, [400, 404, 422])


@check("ERR-06", transmutable=True)
async def service_error(subject: Subject, wire: Wire) -> None:
    await _assert_statuses(subject, wire, [500, 502, 503, 529])


@check("ERR-02", transmutable=True)
async def forbidden(subject: Subject, wire: Wire) -> None:
    await _assert_statuses(subject, wire, [403])


@check("ERR-04", transmutable=True)
async def retry_after_in_its_other_forms(subject: Subject, wire: Wire) -> None:
    past = "Wed, 21 Oct 2015 07:28:00 GMT"
    forms: list[tuple[str, str, tuple[float | None, ...], str]] = [
        ("retry-after-ms", "1500", (1.5,), "1.5"),
        ("retry-after", past, (None, 0.0), "never negative, as the date is past"),
        ("retry-after", "-5", (None, 0.0), "never negative"),
        ("retry-after", "nan", (None, 0.0), "never NaN"),
    ]
    for surface in subject.surfaces():
        async with surface.open(wire) as provider:
            for header, value, allowed, expected in forms:
                wire.fail(429, "slow down", {header: value})
                error = await _error_of(subject, wire, surface, provider, 429)
                seen = plain(getattr(error, "retry_after", "no such attribute"))
                if not any(same(right, seen) for right in allowed):
                    raise Violation(
                        expected=f"retry_after {expected}, after {header}: {value}",
                        seen=f"retry_after = {seen!r:.80}",
                    )
            await _assert_retry_date(subject, wire, surface, provider)


async def _assert_retry_date(subject: Subject, wire: Wire, surface: Surface, provider: Any) -> None:
    # Soon, for adapters that wait although they are told not to try again.
    before = time.time()
    date = int(before) + 5
    wire.fail(429, "slow down", {"retry-after": formatdate(date, usegmt=True)})
    error = await _error_of(subject, wire, surface, provider, 429)
    seen = plain(getattr(error, "retry_after", "no such attribute"))
    # The adapter has looked at the clock at any time of the call, and may round to seconds.
    least, most = max(0.0, date - time.time() - 1), date - before + 1
    if type(seen) is not float or not least <= seen <= most:
        raise Violation(
            expected=f"retry_after of {least:.1f} to {most:.1f}, till the date in retry-after",
            seen=f"retry_after = {seen!r:.80}",
        )


@check("ERR-07", transmutable=True)
async def broken_connections(subject: Subject, wire: Wire) -> None:
    for surface in subject.surfaces():
        refused = subject.built(surface.kind, wire.refusing_endpoint(surface.model), {})
        async with refused as provider:
            await _assert_service_error(subject, surface, provider, "a refused connection")
        async with surface.open(wire) as provider:
            before = len(wire.received)
            wire.answer(None)
            await _assert_service_error(subject, surface, provider, "a reset before the reply")
            wire.assert_received(before)
            before = len(wire.received)
            good = b'{"padding": "' + b"x" * 5000 + b'"}'
            wire.answer(Reply(good, cut_at=len(good) // 2))
            await _assert_service_error(subject, surface, provider, "a body cut short")
            wire.assert_received(before)


async def _assert_service_error(
    subject: Subject, surface: Surface, provider: Any, what: str
) -> None:
    where = f"{surface.name}() against {what}"
    await subject.raises("ProviderServiceError", lambda: surface.call(provider), where)


@check("ERR-08", transmutable=True)
async def unreadable_replies(subject: Subject, wire: Wire) -> None:
    for surface in subject.surfaces():
        async with surface.open(wire) as provider:
            for what, body in malformed(wire, surface).items():
                wire.answer(Reply(body))
                where = f"{surface.name}() against a 200 with {what}"
                await subject.raises("ProviderError", lambda: surface.call(provider), where)  # noqa: B023
            if surface.kind == "chat" and not is_recorded(wire.dialect):
                for what, body in miscounted(wire).items():
                    wire.answer(Reply(body))
                    await _assert_miscounted(subject, provider, what)


async def _assert_miscounted(subject: Subject, provider: Any, what: str) -> None:
    """Raise a `Violation` unless wrong counts give a `ProviderError`, or do the text no harm."""
    where = f"complete() against a 200 with {what}"
    completion, error = await ended(lambda: provider.complete(hello()), where)
    if error is None:
        assert_equal(f"content of {where}", TEXT, Answer(completion).text)
    else:
        subject.assert_kind(error, "ProviderError", where)


@check("ERR-09", transmutable=True, sends=False)
async def missing_key(subject: Subject, wire: Wire) -> None:
    for surface in subject.surfaces():
        wire.fail(401, "no key")
        factory = getattr(subject.adapter, surface.kind)
        await subject.raises(
            "ProviderAuthError",
            lambda: _built_and_called(factory, wire.endpoint(surface.model, None), surface),  # noqa: B023
            f"building the {surface.kind} provider without a key, or from {surface.name}()",
        )


async def _built_and_called(
    factory: Callable[..., Any], endpoint: Endpoint, surface: Surface
) -> object:
    provider = build(factory, endpoint, {}, {"max_retries": 0})
    try:
        return await surface.call(provider)
    finally:
        await release(provider)


@check("ERR-10", transmutable=True)
async def nothing_but_provider_errors(subject: Subject, wire: Wire) -> None:
    for surface in subject.surfaces():
        replies = {
            f"HTTP {status}": Reply(wire.dialect.write_error(status, _MESSAGE), status, _NO_RETRY)
            for status in range(400, 600)
        }
        replies |= {
            f"HTTP {status} without a body": Reply(b"", status, _NO_RETRY)
            for status in (400, 401, 404, 429, 500, 503)
        }
        replies |= {
            f"{status} with {what}": Reply(body, status, _NO_RETRY)
            for what, body in malformed(wire, surface).items()
            for status in (200, 400, 500)
        }
        async with surface.open(wire) as provider:
            await _sweep(subject, wire, surface, provider, replies)


async def _sweep(
    subject: Subject, wire: Wire, surface: Surface, provider: Any, replies: dict[str, Reply]
) -> None:
    """Ask for every reply, some at a time: an adapter may wait before each retry."""
    wire.on_chat(lambda request: replies[_named(request.turns[-1][1], replies)])
    wire.on_embeddings(lambda request: replies[_named(request.texts[0], replies)])
    turns = asyncio.Semaphore(_AT_ONCE)

    async def ask(what: str) -> None:
        where = f"{surface.name}() against {what}"
        async with turns:
            await subject.raises("ProviderError", lambda: surface.say(provider, what), where)

    await together(*(ask(what) for what in replies))


def _named(text: str, replies: Iterable[str]) -> str:
    """Which reply a request asks for; without a dialect its text is a whole body."""
    return max((what for what in replies if what in text), key=len)


_AT_ONCE = 32
_NO_RETRY = {"x-should-retry": "false"}


@check("ERR-11", needs_wire=False, sends=False)
async def error_classes(subject: Subject, wire: Wire) -> None:  # noqa: ARG001 - no request
    base = subject.error_class("ProviderError")
    if not inherits(base, Exception):
        raise Violation(expected="ProviderError inherits Exception", seen=f"{lineage(base)}")
    _assert_distinct({name: subject.error_class(name) for name in subject.error_names})
    for name in BASIC_ERRORS:
        found = subject.error_class(name)
        if not inherits(found, base):
            raise Violation(
                expected=f"{name} is a ProviderError", seen=f"it inherits {lineage(found)[1:]}"
            )
        for ancestor in lineage(found):
            if inherits(ancestor, MemoryError) or _STORAGE.search(ancestor.__name__):
                raise Violation(
                    expected=f"{name} inherits no memory or storage error",
                    seen=f"it inherits {ancestor.__module__}.{ancestor.__qualname__}",
                )


def _assert_distinct(classes: Mapping[str, type]) -> None:
    for name, other in itertools.combinations(classes, 2):
        if classes[name] is classes[other]:
            raise Violation(
                expected="the error classes are distinct",
                seen=f"{name} and {other} are one class, {classes[name].__qualname__}",
            )


_STORAGE = re.compile(r"Memory|Storage|Store|Database")


@check("ERR-12", transmutable=True)
async def cause(subject: Subject, wire: Wire) -> None:
    for surface in subject.surfaces():
        async with surface.open(wire) as provider:
            for status in (400, 401, 429, 500):
                wire.fail(status, _MESSAGE)
                await _assert_cause(surface, provider, f"HTTP {status}")
            wire.answer(None)
            await _assert_cause(surface, provider, "a reset before the reply")


async def _assert_cause(surface: Surface, provider: Any, what: str) -> None:
    error = await raised(lambda: surface.call(provider), f"{surface.name}() against {what}")
    if error.__cause__ is None:
        raise Violation(
            expected=f"the error after {what} has the SDK's exception as __cause__",
            seen=f"{described(error)}, without a cause",
        )


@check("ERR-13", transmutable=True)
async def requests_are_not_multiplied(subject: Subject, wire: Wire) -> None:
    for surface in subject.surfaces():
        for retries in (0, 1):
            options = {"max_retries": retries}
            once = dict.fromkeys((400, 401, 403, 404, 422), 1)
            async with subject.built(
                surface.kind, wire.endpoint(surface.model), options, {}
            ) as provider:
                for status, most in (once | dict.fromkeys((429, 503), retries + 1)).items():
                    body = wire.dialect.write_error(status, _MESSAGE)
                    wire.answer(Reply(body, status, _RETRY_NOW))
                    before = len(wire.received)
                    where = f"{surface.name}() against HTTP {status}"
                    await raised(lambda: surface.call(provider), where)  # noqa: B023
                    sent = len(wire.received) - before
                    if not 1 <= sent <= most:
                        raise Violation(
                            expected=f"at most {most} requests for {where}, with "
                            f"max_retries={retries}",
                            seen=f"{sent} requests",
                        )


# Here a retry is not forbidden, and costs no wait; the SDKs take no 0 for an answer.
_RETRY_NOW = {"retry-after": "0", "retry-after-ms": "1"}


async def _assert_statuses(subject: Subject, wire: Wire, statuses: Sequence[int]) -> None:
    for surface in subject.surfaces():
        async with surface.open(wire) as provider:
            for status in statuses:
                wire.fail(status, _MESSAGE)
                await _error_of(subject, wire, surface, provider, status)


async def _error_of(
    subject: Subject, wire: Wire, surface: Surface, provider: Any, status: int
) -> Exception:
    """The exception that a status gives, which must be of its class."""
    before = len(wire.statuses)
    error = await raised(lambda: surface.call(provider), f"{surface.name}() against HTTP {status}")
    if status not in wire.statuses[before:]:
        raise Violation(
            expected=f"{surface.name}() sends a request, which the server answers with {status}",
            seen=f"{described(error)}, and no request",
        )
    assert_error_class(subject, error, status, surface.name)
    return error


def assert_error_class(subject: Subject, error: BaseException, status: int, what: str) -> None:
    """Raise a `Violation` unless an exception is what the catalogue says of a status."""
    subject.assert_kind(error, CLASS_OF_STATUS[status], f"{what}() after HTTP {status}")
