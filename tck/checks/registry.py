"""The checks that there are, by the requirement that each is for."""

from __future__ import annotations

import functools
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tck.catalogue import requirements
from tck.checks.calls import watch_progress
from tck.checks.subject import Subject
from tck.grading import Evidence
from tck.wire.wire import Wire

CheckFunction = Callable[[Subject, Wire], Awaitable[None]]


@dataclass(frozen=True)
class Check:
    """What decides one requirement.

    Attributes:
        function: returns when the requirement is met; raises `tck.verdicts.Violation` or
            `tck.verdicts.NotVerified` when it is not, or nobody knows.
        needs_wire: whether it makes no sense for an adapter that runs in the process.
        transmutable: whether statuses and headers over recorded successes are all it needs,
            so that it can do without a dialect.
    """

    requirement: str
    function: CheckFunction
    evidence: tuple[Evidence, ...]
    needs_wire: bool
    transmutable: bool


CHECKS: dict[str, Check] = {}


def check(
    requirement: str,
    *,
    evidence: Evidence = "scripted",
    needs_wire: bool = True,
    transmutable: bool = False,
    sends: bool = True,
) -> Callable[[CheckFunction], CheckFunction]:
    """Register a check for a requirement of the catalogue.

    Args:
        requirement: its id.
        evidence: what it rests on.
        needs_wire: as in `Check`.
        transmutable: as in `Check`.
        sends: whether it is met only if a request has reached the server. Where an adapter
            answers without asking anybody, what it answers proves nothing.
    """
    if requirement not in requirements():
        raise ValueError(f"the catalogue has no requirement {requirement}")

    def register(function: CheckFunction) -> CheckFunction:
        if requirement in CHECKS:
            raise ValueError(f"{requirement} has a check already")
        prove = sends and evidence != "recorded"  # a recording is played before the socket

        @functools.wraps(function)
        async def proved(subject: Subject, wire: Wire) -> None:
            watch_progress(lambda: _progress(wire))
            await function(subject, wire)
            if prove and not subject.in_process:
                wire.assert_received()

        CHECKS[requirement] = Check(
            requirement, proved, (evidence,), needs_wire, transmutable or not needs_wire
        )
        return function

    return register


def _progress(wire: Wire) -> object:
    """What changes while a call gets on: its requests, and the work that it does here."""
    return len(wire.received), len(wire.statuses), int(time.process_time())
