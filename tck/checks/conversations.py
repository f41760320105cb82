"""Whether a conversation has arrived as the caller put it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from operator import itemgetter

from llm import ChatMessage
from tck.verdicts import Violation
from tck.wire.dialects.model import ChatRequest

Turn = tuple[str, str]
"""A role, and a text."""


def assert_conversation(messages: Sequence[ChatMessage], request: ChatRequest) -> None:
    """Every message once, in order, with its role; instructions may be joined into one."""
    instructions = [message.content for message in messages if message.role == "system"]
    for role, text in request.turns:
        for instruction in instructions:
            if instruction in text:
                raise Violation(
                    expected=f"the system message {instruction!r} arrives as an instruction",
                    seen=f"it arrived in a turn of the {role}",
                )
    _assert_in_order(instructions, "\n".join(request.instructions))
    assert_turns(
        [(message.role, message.content) for message in messages if message.role != "system"],
        request.turns,
    )


def assert_all_there(messages: Sequence[ChatMessage], request: ChatRequest) -> None:
    """Every message of the caller, in order and with its role, among whatever else."""
    instructions = "\n".join(request.instructions)
    rest = iter(request.turns)
    for message in messages:
        if message.role != "system":
            # An adapter may add its instructions to a turn, but take nothing from it.
            found = any(role == message.role and message.content in text for role, text in rest)
        else:
            found = message.content in instructions
            if any(message.content in text for _, text in request.turns):
                raise Violation(
                    expected=f"the system message {message.content!r} is an instruction",
                    seen="it is in a turn",
                )
        if not found:
            raise Violation(
                expected=f"{message.role}: {message.content!r} reaches the wire, in its place",
                seen=f"{request.turns!r:.300}",
            )


def assert_turns(expected: Sequence[Turn], arrived: Sequence[Turn]) -> None:
    """Every turn in order, with its role; those of one role that follow each other may be one."""
    if _are_joined(expected, arrived):
        return
    if len(arrived) != len(expected):
        raise Violation(
            expected=f"{len(expected)} turns arrive: {', '.join(role for role, _ in expected)}",
            seen=f"{len(arrived)}: {', '.join(role for role, _ in arrived)}",
        )
    for number, (wanted, seen) in enumerate(zip(expected, arrived, strict=True)):
        if seen != wanted:
            raise Violation(
                expected=f"turn {number} is {wanted[0]}: {wanted[1]!r}",
                seen=f"{seen[0]}: {seen[1]!r:.120}",
            )


def _are_joined(expected: Sequence[Turn], arrived: Sequence[Turn]) -> bool:
    """Whether what arrived is what is expected, with the turns in a row made one."""
    runs = [(role, r"\s*".join(map(re.escape, texts))) for role, texts in _runs(expected)]
    return len(runs) == len(arrived) < len(expected) and all(
        role == wanted and re.fullmatch(pattern, text)
        for (wanted, pattern), (role, text) in zip(runs, arrived, strict=True)
    )


def _runs(turns: Sequence[Turn]) -> Iterator[tuple[str, list[str]]]:
    for role, run in itertools.groupby(turns, key=itemgetter(0)):
        yield role, [text for _, text in run]


def _assert_in_order(instructions: Sequence[str], whole: str) -> None:
    end = 0
    for text in instructions:
        count = whole.count(text)
        place = whole.find(text, end)
        if count != 1 or place < 0:
            raise Violation(
                expected=f"the instruction {text!r} arrives once, after those before it",
                seen="it arrived out of order" if count == 1 else f"it arrived {count} times",
            )
        end = place + len(text)


def text_of(request: ChatRequest) -> str:
    """Every text of a chat request, in lines."""
    return "\n".join([*request.instructions, *(text for _, text in request.turns)])
