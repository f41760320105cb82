"""Checks of the error taxonomy, on every surface that sends requests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tck.checks.registry import check
from tck.checks.subject import Subject, Surface, described, raised
from tck.verdicts import Violation
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


@check("ERR-01")
async def unauthorized(subject: Subject, wire: Wire) -> None:
    await _assert_statuses(subject, wire, [401])


@check("ERR-03")
async def rate_limited(subject: Subject, wire: Wire) -> None:
    # An adapter whose retries cannot be switched off sleeps for these: they are small.
    for surface in subject.surfaces():
        async with surface.open(wire) as provider:
            for value, expected in (("2", 2.0), ("1", 1.0), (None, None)):
                wire.fail(429, "slow down", {} if value is None else {"Retry-After": value})
                error = await _error_of(subject, wire, surface, provider, 429)
                seen = getattr(error, "retry_after", "no such attribute")
                if seen != expected or not isinstance(seen, type(expected)):
                    sent = "without Retry-After" if value is None else f"with Retry-After: {value}"
                    raise Violation(
                        expected=f"retry_after = {expected!r} on the error of {surface.name}() "
                        f"after a 429 {sent}",
                        seen=f"retry_after = {seen!r:.80}",
                    )


@check("ERR-05")
async def invalid_request(subject: Subject, wire: Wire) -> None:
    await _assert_statuses(subject, wire, [400, 404, 422])


@check("ERR-06")
async def service_error(subject: Subject, wire: Wire) -> None:
    await _assert_statuses(subject, wire, [500, 502, 503, 529])


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
    name = CLASS_OF_STATUS[status]
    if not isinstance(error, subject.error_class(name)):
        raise Violation(expected=f"{name} from {what}() after HTTP {status}", seen=described(error))
