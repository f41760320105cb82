"""One requirement, one adapter, one result."""

from __future__ import annotations

import asyncio

from tck.cassettes.transmutation import TransmutedDialect
from tck.catalogue import Requirement, requirements
from tck.checks import CHECKS, Check, Subject
from tck.checks.subject import EXAMPLES
from tck.grading import Outcome, Result
from tck.run.environment import isolated_environment
from tck.run.targets import Target
from tck.verdicts import Exempt, KitError, NotApplicable, NotVerified, Violation
from tck.wire.dialects.model import Route
from tck.wire.guard import NetworkGuard
from tck.wire.wire import Wire

_ROUTES: dict[str, Route] = {"chat": "chat", "embedding": "embeddings"}

CHECK_LIMIT = 90.0
"""Seconds after which the wire hangs up on an adapter that blocks its event loop."""


def assess(target: Target, requirement: Requirement) -> Result:
    """Find out whether an adapter meets a requirement. Never raises, whatever happens."""
    check = CHECKS[requirement.id]
    if check.needs_wire and target.dialect is None:
        return Result(
            requirement,
            Outcome.NOT_APPLICABLE,
            detail="the adapter runs in the process and has no wire",
        )
    if isinstance(target.dialect, TransmutedDialect) and not check.transmutable:
        return Result(
            requirement,
            Outcome.NOT_VERIFIED,
            detail="only recordings are known of the adapter's wire, and this needs a dialect: "
            "docs/dialects.md shows how to write one",
        )
    fault = False
    guard = NetworkGuard()
    try:
        asyncio.run(_run(target, check, guard))
        outcome, detail = Outcome.PASSED, ""
    except Violation as violation:
        outcome, detail = Outcome.FAILED, _explained(violation, check)
    except Exempt as claim:
        outcome, detail = Outcome.EXEMPT, str(claim)
    except NotApplicable as reason:
        outcome, detail = Outcome.NOT_APPLICABLE, str(reason)
    except NotVerified as reason:
        outcome, detail = Outcome.NOT_VERIFIED, str(reason)
    except Exception as error:  # noqa: BLE001 - a check that crashes is a fault of the kit
        what = str(error) if isinstance(error, KitError) else f"the check crashed: {error!r}"
        outcome, detail, fault = Outcome.NOT_VERIFIED, f"kit error: {what}", True
    return Result(requirement, outcome, check.evidence, detail, fault, tuple(guard.strays))


async def _run(target: Target, check: Check, guard: NetworkGuard) -> None:
    subject = Subject(
        target.adapter, target.capabilities, target.errors, target.library, target.examples
    )
    deeper = target.examples / EXAMPLES if "fuzzed" in check.evidence else 1.0
    with (
        isolated_environment(),
        guard,
        Wire(target.dialect, limit=CHECK_LIMIT * max(1.0, deeper)) as wire,
    ):
        try:
            if isinstance(target.dialect, TransmutedDialect) and check.needs_wire:
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
            "the request asks for a stream, which this wire does not script: let the adapter call "
            "the provider without streaming"
        ) from violation


def _explained(violation: Violation, check: Check) -> str:
    look_at = violation.look_at or requirements()[check.requirement].look_at
    return f"expected: {violation.expected}\nseen: {violation.seen}\nlook at: {look_at}"
