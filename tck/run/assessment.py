"""One requirement, one adapter, one result."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from tck.catalogue import Requirement, requirements
from tck.checks import CHECKS, Check, Subject
from tck.grading import EXAMPLES, Outcome, Result
from tck.run.environment import isolated_environment
from tck.run.places import comes_from_the_adapter, in_words, place_of, trace_of
from tck.run.targets import Target
from tck.verdicts import (
    LATE_MACHINE,
    Exchange,
    Exempt,
    Finding,
    KitError,
    LateMachineError,
    NotApplicable,
    NotVerified,
    Violation,
)
from tck.wire.dialects.model import Route, is_recorded
from tck.wire.guard import NetworkGuard
from tck.wire.wire import Wire

_ROUTES: dict[str, Route] = {"chat": "chat", "embedding": "embeddings"}

CHECK_LIMIT = 90.0
"""Seconds after which the wire hangs up on an adapter that blocks its event loop."""


def assess(target: Target, requirement: Requirement, *, isolated: bool = False) -> Result:
    """Find out whether an adapter meets a requirement.

    Whatever the adapter does, short of ending the process or never coming back, is a result.

    Args:
        target: the adapter.
        requirement: what it is to meet.
        isolated: whether this process is out of reach of Ctrl-C, so that a `KeyboardInterrupt`
            is the adapter's.

    Raises:
        KeyboardInterrupt: somebody pressed Ctrl-C.
    """
    check = CHECKS[requirement.id]
    if check.needs_wire and target.dialect is None:
        reason = "the adapter runs in the process and has no wire"
        return Result(requirement, Outcome.NOT_APPLICABLE, reason=reason)
    if is_recorded(target.dialect) and not check.transmutable:
        unknown = NotVerified(
            "only recordings are known of the adapter's wire, and this needs a dialect",
            "docs/dialects.md shows how to write one",
            cause="no-dialect",
        )
        return Result(requirement, Outcome.NOT_VERIFIED, finding=_unverified(requirement, unknown))
    watch = _Watch()
    result = _verdict(target, requirement, check, watch, isolated=isolated)
    found = result.finding
    return replace(
        result,
        finding=None if found is None else replace(found, exchange=watch.exchange),
        contacted=tuple(watch.guard.hosts),
        strays=tuple(watch.guard.strays),
    )


class _Watch:
    """What goes on beside a check."""

    def __init__(self) -> None:
        self.guard = NetworkGuard()
        self.exchange: Exchange | None = None


def _verdict(
    target: Target, requirement: Requirement, check: Check, watch: _Watch, *, isolated: bool
) -> Result:
    try:
        _run_in_a_loop(_run(target, check, watch))
    except Violation as violation:
        finding = Finding(
            expected=violation.expected,
            seen=violation.seen,
            look_at=violation.look_at or requirement.look_at,
            cause=violation.cause,
            place=place_of(violation, target.sources),
            trace=trace_of(violation) if violation.__cause__ else "",
        )
        return Result(requirement, Outcome.FAILED, check.evidence, finding)
    except Exempt as claim:
        return Result(requirement, Outcome.EXEMPT, check.evidence, reason=str(claim))
    except NotApplicable as reason:
        return Result(requirement, Outcome.NOT_APPLICABLE, check.evidence, reason=str(reason))
    except NotVerified as reason:
        finding = _unverified(requirement, reason)
        return Result(requirement, Outcome.NOT_VERIFIED, check.evidence, finding)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) and not isolated:
            raise
        return _crashed(target, requirement, check, error)
    return Result(requirement, Outcome.PASSED, check.evidence)


def _unverified(requirement: Requirement, reason: NotVerified) -> Finding:
    return Finding(
        expected=f"evidence for: {requirement.title}",
        seen=reason.why,
        look_at=reason.remedy or requirement.look_at,
        cause=reason.cause,
    )


def _crashed(
    target: Target, requirement: Requirement, check: Check, error: BaseException
) -> Result:
    """What a check did not expect: a fault of the kit, unless the adapter's code raised it."""
    if _is_the_adapters(error):
        finding = Finding(
            expected="calls and attributes of the contract that return, or raise an Exception",
            seen=f"it raised {in_words(error)}",
            look_at=requirement.look_at,
            place=place_of(error, target.sources),
            trace=trace_of(error),
        )
        return Result(requirement, Outcome.FAILED, check.evidence, finding)
    what = str(error) if isinstance(error, KitError) else f"the check crashed: {error!r}"
    finding = Finding(
        expected=f"evidence for: {requirement.title}",
        seen=f"kit error: {what}",
        look_at="this says nothing about the adapter; "
        + (
            "run it again on a machine that is less busy"
            if isinstance(error, LateMachineError)
            else "report it, unless the message says what to do"
        ),
        cause=LATE_MACHINE if isinstance(error, LateMachineError) else "kit",
        trace="" if isinstance(error, KitError) else trace_of(error),
    )
    return Result(requirement, Outcome.NOT_VERIFIED, check.evidence, finding, kit_fault=True)


def _is_the_adapters(error: BaseException) -> bool:
    """Whether what came out of a check is the adapter's doing.

    The kit itself raises nothing that is no `Exception`, and cancels nothing that it waits for.
    What is nested without end, or draws otherwise at each try, is what an adapter has returned.
    """
    if isinstance(error, KitError):
        return False
    odd = not isinstance(error, Exception) or isinstance(error, RecursionError)
    drawn = type(error).__module__.startswith("hypothesis")
    return odd or drawn or comes_from_the_adapter(error)


def _run_in_a_loop(check: Coroutine[Any, Any, None]) -> None:
    """Run a check in an event loop of its own, from which the adapter may not break out."""
    ended = False

    async def whole() -> None:
        nonlocal ended
        try:
            await check
        except asyncio.CancelledError:
            raise  # so a stopped loop is cleaned up
        except BaseException:
            ended = True
            raise
        ended = True

    try:
        asyncio.run(whole())
    except RuntimeError as error:
        if ended:
            raise
        raise Violation(
            expected="a call leaves the event loop running", seen="it stopped the event loop"
        ) from error


async def _run(target: Target, check: Check, watch: _Watch) -> None:
    subject = Subject(
        target.adapter, target.capabilities, target.errors, target.library, target.examples
    )
    deeper = target.examples / EXAMPLES if "fuzzed" in check.evidence else 1.0
    guard = watch.guard
    with (
        isolated_environment(),
        guard,
        Wire(target.dialect, limit=CHECK_LIMIT * max(1.0, deeper)) as wire,
    ):
        try:
            if is_recorded(target.dialect) and check.needs_wire:
                target.dialect.require(_ROUTES[surface.kind] for surface in subject.surfaces())
            await check.function(subject, wire)
        except Violation as violation:
            wire.assert_sound()
            _blame_the_cause(guard, wire, violation)
            _excuse_a_stream(wire, check, violation)
            raise
        except (Exempt, NotApplicable, NotVerified) as reason:
            wire.assert_sound()
            _blame_the_network(guard, reason)
            raise
        finally:
            watch.exchange = wire.exchange
        wire.assert_sound()
        _blame_the_cause(guard, wire, None)


def _blame_the_network(guard: NetworkGuard, because: Exception | None) -> None:
    """A contact beyond loopback is a violation, whatever else the check found."""
    if guard.hosts:
        raise Violation(
            expected="no host but loopback is contacted",
            seen=f"{', '.join(guard.hosts)} was tried, and blocked",
            look_at="whether the adapter passes Endpoint.base_url to its SDK, and what else "
            "sends requests (telemetry, price lists, model downloads)",
            cause="network",
        ) from because


def _blame_the_cause(guard: NetworkGuard, wire: Wire, violation: Violation | None) -> None:
    """What explains a violation, or is one although the check saw nothing."""
    _blame_the_network(guard, violation)
    if wire.problems:
        raise Violation(
            expected=violation.expected if violation else "requests that the wire knows",
            seen=f"{wire.problems[0]}" + (f"; then {violation.seen}" if violation else ""),
            look_at="wire= of the AdapterUnderTest, and how base_url is joined to the path",
        ) from violation
    if wire.hung_up and violation is not None:
        raise Violation(
            expected=violation.expected,
            seen=f"{violation.seen}, after the server hung up at {CHECK_LIMIT:g} s",
            look_at="a blocking call in a coroutine",
        ) from violation


def _excuse_a_stream(wire: Wire, check: Check, violation: Violation) -> None:
    """What is made of a reply that was to be streamed, and was not, shows nothing."""
    if wire.streamed and requirements()[check.requirement].capability != "backend":
        raise NotVerified(
            "the request asks for a stream, which this wire does not script",
            "let the adapter call the provider without streaming",
            cause="stream",
        ) from violation
