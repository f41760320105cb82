"""Laws of the grade."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from tck.catalogue import Requirement, requirements
from tck.grading import Grade, Outcome, Result, grade, withholding

FINE = [Outcome.PASSED, Outcome.EXEMPT, Outcome.NOT_APPLICABLE]
# From better to worse, for an adapter that would like a grade.
ORDER = [Outcome.PASSED, Outcome.EXEMPT, Outcome.NOT_VERIFIED, Outcome.FAILED]

results_of_the_catalogue = st.fixed_dictionaries(
    {name: st.sampled_from(Outcome) for name in requirements()}
).map(lambda outcomes: [_result(name, outcome) for name, outcome in outcomes.items()])


def _result(name: str, outcome: Outcome) -> Result:
    return Result(requirements()[name], outcome)


def _all(outcome: Outcome, **others: Outcome) -> list[Result]:
    return [_result(name, others.get(name.replace("-", "_"), outcome)) for name in requirements()]


def _musts(tier: str) -> list[Requirement]:
    return [one for one in requirements().values() if one.level == "must" and one.tier == tier]


def test_everything_passed_is_silver() -> None:
    assert grade(_all(Outcome.PASSED)) is Grade.SILVER


def test_nothing_graded_is_nothing_earned() -> None:
    assert grade([]) is Grade.NONE
    for outcome in FINE[1:]:
        assert grade(_all(outcome)) is Grade.NONE, outcome


def test_silver_needs_bronze() -> None:
    assert grade(_all(Outcome.PASSED, CHAT_01=Outcome.FAILED)) is Grade.NONE


def test_bronze_needs_no_silver() -> None:
    assert grade(_all(Outcome.PASSED, STR_05=Outcome.FAILED)) is Grade.BRONZE


def test_a_should_changes_nothing() -> None:
    shoulds = {
        name.replace("-", "_"): Outcome.FAILED
        for name, one in requirements().items()
        if one.level == "should"
    }
    assert grade(_all(Outcome.PASSED, **shoulds)) is Grade.SILVER


def test_any_single_unmet_must_withholds_its_tier() -> None:
    for outcome in (Outcome.FAILED, Outcome.NOT_VERIFIED):
        for tier, left in (("bronze", Grade.NONE), ("silver", Grade.BRONZE)):
            for must in _musts(tier):
                results = _all(Outcome.PASSED, **{must.id.replace("-", "_"): outcome})
                assert grade(results) is left, must.id
                assert [one.requirement for one in withholding(results, must.tier)] == [must]


@given(results_of_the_catalogue, st.randoms(use_true_random=False))
def test_order_does_not_matter(results: list[Result], rng: random.Random) -> None:
    shuffled = list(results)
    rng.shuffle(shuffled)
    assert grade(shuffled) is grade(results)


@given(results_of_the_catalogue, st.data())
def test_worsening_an_outcome_never_raises_the_grade(
    results: list[Result], data: st.DataObject
) -> None:
    place = data.draw(st.sampled_from(range(len(results))))
    before = results[place]
    if before.outcome not in ORDER:
        return
    worse = data.draw(st.sampled_from(ORDER[ORDER.index(before.outcome) :]))
    worsened = [*results[:place], Result(before.requirement, worse), *results[place + 1 :]]
    assert grade(worsened).rank <= grade(results).rank


def test_grades_compare_by_rank() -> None:
    assert Grade.NONE.rank < Grade.BRONZE.rank < Grade.SILVER.rank
