"""What counts as a conversation that has arrived whole."""

from __future__ import annotations

import pytest

from tck.checks.conversations import assert_turns
from tck.verdicts import Violation

TURNS = [("user", "one"), ("user", "  two\n"), ("assistant", "three"), ("user", "four")]


@pytest.mark.parametrize(
    "arrived", [TURNS, [("user", "one\n\n  two\n"), *TURNS[2:]]], ids=["apart", "joined"]
)
def test_turns_in_a_row_may_be_joined(arrived: list[tuple[str, str]]) -> None:
    assert_turns(TURNS, arrived)


@pytest.mark.parametrize(
    ("arrived", "seen"),
    [
        (TURNS[1:], "3: user, assistant, user"),
        ([("user", "two"), *TURNS[2:]], "3: user, assistant, user"),
        ([*TURNS[:2], ("user", "three"), TURNS[3]], "user: 'three'"),
        ([TURNS[0], ("user", "two"), *TURNS[2:]], "user: 'two'"),
        ([("user", "one two three four")], "1: user"),
    ],
)
def test_nothing_may_be_lost_or_changed(arrived: list[tuple[str, str]], seen: str) -> None:
    with pytest.raises(Violation) as caught:
        assert_turns(TURNS, arrived)
    assert caught.value.seen == seen
