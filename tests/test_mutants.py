"""The kit fails every wrong adapter on exactly what it breaks, and passes right ones."""

import os
from dataclasses import replace
from typing import Any

import pytest

from tck.catalogue import Requirement, denominator, requirements
from tck.checks import CHECKS
from tck.grading import Outcome
from tck.run.assessment import assess
from tests.helpers import target_of
from tests.mutants import CONFORMING, IN_PROCESS, MUTANTS, Mutant
from tests.mutants.conforming import Extractor, described

WELL = (Outcome.PASSED, Outcome.EXEMPT, Outcome.NOT_APPLICABLE)

# Half of the time goes into these. A mutant that does not break one is not run on it, but for
# one whole run of each kind of adapter: `MUTANTS=all` runs everything.
SLOW = frozenset(
    {
        *("CHAT-10", "CHAT-11", "CHAT-17", "ERR-10", "ERR-13", "REC-05", "EMB-10", "BKD-08"),
        *("STR-07", "STR-10", "STR-11", "STR-12"),
    }
)
_WHOLE = {
    frozenset(target_of(mutant.adapter).capabilities): mutant for mutant in reversed(MUTANTS)
}.values()
"""The first mutant of each kind."""


def _run_on(mutant: Mutant) -> list[Requirement]:
    target = target_of(mutant.adapter)
    whole = mutant in _WHOLE or os.environ.get("MUTANTS") == "all"
    return [
        one
        for one in denominator(target.capabilities)
        if whole or one.id in mutant.breaks or one.id not in SLOW
    ]


@pytest.mark.parametrize("requirement", CHECKS)
def test_conforming_adapter_passes(requirement: str) -> None:
    result = assess(target_of(CONFORMING), requirements()[requirement])
    assert result.outcome is Outcome.PASSED, result.detail


def test_an_adapter_that_runs_in_the_process_passes_what_needs_no_wire() -> None:
    target = target_of(IN_PROCESS)
    outcomes = {
        one.id: assess(target, one).outcome
        for one in requirements().values()
        if one.capability in target.capabilities
    }
    assert {one for one in outcomes if outcomes[one] is Outcome.PASSED} == {
        *(f"EMB-{number:02}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 11)),
        "ERR-11",
    }
    assert set(outcomes.values()) == {Outcome.PASSED, Outcome.NOT_APPLICABLE}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.adapter.name)
def test_mutant_fails_on_what_it_breaks_and_on_nothing_else(mutant: Mutant) -> None:
    target = target_of(mutant.adapter)
    results = [assess(target, requirement) for requirement in _run_on(mutant)]
    failed = {
        result.requirement.id: result.detail for result in results if result.outcome not in WELL
    }
    assert failed.keys() == mutant.breaks, failed
    for result in results:
        if result.requirement.id in mutant.breaks:
            assert result.outcome is Outcome.FAILED, result.detail
            assert all(word in result.detail for word in ("expected: ", "seen: ", "look at: "))


def test_every_must_with_a_check_has_a_mutant() -> None:
    caught = frozenset[str]().union(*(mutant.breaks for mutant in MUTANTS))
    musts = {one for one in CHECKS if requirements()[one].level == "must"}
    assert musts <= caught, f"without a mutant: {sorted(musts - caught)}"


@pytest.mark.parametrize("examples", [1, 60])
def test_fuzzed_checks_try_as_many_examples_as_they_are_told(examples: int) -> None:
    calls: list[str] = []

    class Counted(Extractor):
        def loads(self, text: str) -> dict[str, Any]:
            calls.append(text)
            return super().loads(text)

    target = replace(target_of(described("counted", Counted)), examples=examples)
    assert assess(target, requirements()["STR-10"]).outcome is Outcome.PASSED
    assert len(calls) == examples + 1, "one more to see which mode it asks in"
