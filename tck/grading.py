"""From outcomes to a grade. No input, no output, no pytest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, Self

from tck.catalogue import Requirement, Tier, requirements
from tck.verdicts import Finding

EXAMPLES = 40
"""How many examples a drawn check tries, unless it is told otherwise."""

Evidence = Literal["recorded", "scripted", "fuzzed"]


class Outcome(StrEnum):
    """How one requirement ended for one adapter."""

    PASSED = "passed"
    FAILED = "failed"
    EXEMPT = "exempt"
    """Declared in ``limits``, and the claim was checked."""
    NOT_APPLICABLE = "not_applicable"
    """The adapter has nothing that the requirement speaks of, such as a wire."""
    NOT_VERIFIED = "not_verified"
    """Nobody knows: no recording, skipped, deselected, xfailed, or the kit crashed."""

    @property
    def fine(self) -> bool:
        """Whether a MUST with this outcome withholds nothing."""
        return self not in (Outcome.FAILED, Outcome.NOT_VERIFIED)


@dataclass(frozen=True)
class Result:
    """The outcome of one requirement, and what it rests on."""

    requirement: Requirement
    outcome: Outcome
    evidence: tuple[Evidence, ...] = ()
    finding: Finding | None = None
    """What was found, where it is ``failed`` or ``not_verified``."""
    reason: str = ""
    """Why it is ``exempt`` or ``not_applicable``."""
    kit_fault: bool = False
    """Whether the kit itself failed, which says nothing about the adapter."""
    contacted: tuple[str, ...] = ()
    """Hosts beyond loopback that the adapter tried meanwhile."""
    strays: tuple[str, ...] = ()
    """Hosts that were tried meanwhile, by threads older than the check: it is not to blame."""

    @property
    def detail(self) -> str:
        """What there is to say besides the outcome, in lines for a reader."""
        if self.finding is None:
            return self.reason
        found = self.finding
        return f"expected: {found.expected}\nseen: {found.seen}\nlook at: {found.look_at}"

    def as_data(self) -> dict[str, Any]:
        """Plain data, for another process."""
        return {
            "requirement": self.requirement.id,
            "outcome": str(self.outcome),
            "evidence": list(self.evidence),
            "finding": None if self.finding is None else self.finding.as_data(),
            "reason": self.reason,
            "kit_fault": self.kit_fault,
            "contacted": list(self.contacted),
            "strays": list(self.strays),
        }

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Self:
        """What `as_data` made."""
        finding = data["finding"]
        return cls(
            requirements()[data["requirement"]],
            Outcome(data["outcome"]),
            tuple(data["evidence"]),
            None if finding is None else Finding.from_data(finding),
            data["reason"],
            data["kit_fault"],
            tuple(data["contacted"]),
            tuple(data["strays"]),
        )


class Grade(StrEnum):
    """What an adapter has earned, lowest first."""

    NONE = "none"
    BRONZE = "bronze"
    SILVER = "silver"

    @property
    def rank(self) -> int:
        """Grades compare by this; as strings they would compare by the alphabet."""
        return list(Grade).index(self)


def grade(results: Iterable[Result]) -> Grade:
    """The highest tier of which, and of all below which, every MUST is met.

    A tier is met when none of its MUSTs failed or was left unverified, and at least one passed:
    where nothing was graded, nothing was earned. The denominator is whatever the caller passes,
    so the caller passes the catalogue of every declared capability.
    """
    musts = [result for result in results if result.requirement.level == "must"]
    if not _met(musts, "bronze"):
        return Grade.NONE
    return Grade.SILVER if _met(musts, "silver") else Grade.BRONZE


def _met(musts: Iterable[Result], tier: Tier) -> bool:
    outcomes = [result.outcome for result in musts if result.requirement.tier == tier]
    return Outcome.PASSED in outcomes and all(outcome.fine for outcome in outcomes)


def withholding(results: Iterable[Result], tier: Tier) -> list[Result]:
    """The MUSTs of ``tier`` that keep an adapter from it."""
    return [
        result
        for result in results
        if result.requirement.level == "must"
        and result.requirement.tier == tier
        and not result.outcome.fine
    ]
