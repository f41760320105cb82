"""The words and colours that stand for outcomes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from tck.grading import Grade, Outcome, Result
from tck.report.model import NOT_RUN


@dataclass(frozen=True)
class Word:
    """How an outcome reads. The colours can be read on light and on dark."""

    full: str
    short: str
    """At most four characters, for narrow tables."""
    meaning: str
    style: str


PASSED = Word("passed", "ok", "passed", "green")
FAILED = Word("FAILED", "FAIL", "a MUST that failed", "bold red")
UNVERIFIED = Word("UNVERIFIED", "UNV", "a MUST that is not verified", "bold magenta")
KIT_FAULT = Word("KIT FAULT", "KIT", "a fault of the kit", "bold magenta")
ADVICE = Word("advice", "adv", "a SHOULD that failed", "cyan")
UNSURE = Word("unverified", "unv", "a SHOULD that is not verified", "cyan")
NOT_REACHED = Word("not run", "nr", "not run", "magenta")
EXEMPT = Word("exempt", "ex", "exempt", "green")
NOT_APPLICABLE = Word("n/a", "n/a", "not applicable", "dim")
UNDECLARED = Word("-", "-", "not declared", "dim")

ORDER = (
    *(FAILED, UNVERIFIED, KIT_FAULT, ADVICE, UNSURE, NOT_REACHED),
    *(PASSED, EXEMPT, NOT_APPLICABLE, UNDECLARED),
)
"""Worst first."""

GRADE_STYLES = {Grade.NONE: "bold red", Grade.BRONZE: "bold cyan", Grade.SILVER: "bold green"}


def word_for(result: Result | None) -> Word:
    """The word for a result; for none where the adapter does not declare the capability."""
    if result is None:
        return UNDECLARED
    must = result.requirement.level == "must"
    if result.kit_fault:
        return KIT_FAULT
    if result.outcome is Outcome.FAILED:
        return FAILED if must else ADVICE
    if result.outcome is Outcome.NOT_VERIFIED:
        if result.finding is not None and result.finding.cause == NOT_RUN:
            return NOT_REACHED
        return UNVERIFIED if must else UNSURE
    return {
        Outcome.PASSED: PASSED,
        Outcome.EXEMPT: EXEMPT,
        Outcome.NOT_APPLICABLE: NOT_APPLICABLE,
    }[result.outcome]


def tally(results: Iterable[Result]) -> list[tuple[Word, int]]:
    """How many results each word stands for, passed first and then the worst."""
    found = Counter(map(word_for, results))
    order = (PASSED, *(word for word in ORDER if word is not PASSED))
    return [(word, found[word]) for word in order if found[word]]
