"""Bounds of seconds, which a busy machine must not decide.

A bound that is missed is tried again with more room, while a process of ours measures how late
the machine is. What an idle machine would have met is a fault of the kit, not of the adapter.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from tck.machine import Lateness, Probe
from tck.verdicts import KitError, LateMachineError, Violation

R = TypeVar("R")

OVERTIME = 1.8
"""How many times its bound something is waited for: what is cut off at the bound itself could
have ended just after it, on a machine that is a little late."""


class Stopwatch:
    """Measures how long something takes, and how much this process computes meanwhile."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._used = time.process_time()

    @property
    def took(self) -> float:
        """Seconds so far."""
        return time.perf_counter() - self._start

    @property
    def cpu(self) -> float:
        """Seconds of computing so far, of all threads."""
        return time.process_time() - self._used


class Missed(Violation):
    """A bound of seconds was missed, which may be the machine's doing.

    Args:
        expected, seen: as of any `Violation`.
        bound: seconds that were allowed.
        watch: was started where the bound begins.
        took: seconds that went by, where those of ``watch`` are not what counts.
    """

    def __init__(
        self, *, expected: str, seen: str, bound: float, watch: Stopwatch, took: float | None = None
    ) -> None:
        super().__init__(expected=expected, seen=seen)
        self._measured = (watch.took if took is None else took, bound, watch.cpu)

    def is_explained(self, lateness: Lateness) -> bool:
        """Whether an idle machine would have met the bound."""
        return lateness.explains(*self._measured)

    def excuse(self, lateness: Lateness) -> None:
        """Raise `LateMachineError` where it `is_explained`."""
        lateness.excuse(*self._measured)


async def in_time(
    attempt: Callable[[float], Awaitable[R]], rooms: Sequence[float], *, every: bool
) -> R:
    """What an attempt returns, which is made again with more room where it has `Missed`.

    Args:
        attempt: gets so many seconds of room.
        rooms: the usual one, then larger ones for a machine that is busy.
        every: whether the usual one is part of the requirement, rather than a choice of ours.

    Raises:
        Violation: the bound is missed, and the machine does not explain it.
        LateMachineError: the machine explains it, or nothing else can be said.
    """
    try:
        return await attempt(rooms[0])
    except Missed:
        result = await _with_more_room(attempt, rooms[1:])
    if every:
        await _again(attempt, rooms[0])
    return result


async def _again(attempt: Callable[[float], Awaitable[object]], room: float) -> None:
    """Whether what has missed a bound misses it on a calm machine, twice in a row."""
    _, missed, lateness = await _watched(attempt, room)
    if missed is not None and lateness.calm:
        _, missed, lateness = await _watched(attempt, room)
    if missed is None or missed.is_explained(lateness):
        return
    if lateness.calm:
        raise missed
    raise LateMachineError(
        f"the machine is too busy for a bound of {room:g} s: computing takes "
        f"{lateness.stretch:.2g} times as long as it does alone"
    ) from missed


async def _with_more_room(attempt: Callable[[float], Awaitable[R]], rooms: Sequence[float]) -> R:
    for room in rooms:
        result, missed, lateness = await _watched(attempt, room)
        if missed is None:
            return result[0]
        if lateness.calm or room == rooms[-1]:
            missed.excuse(lateness)
            raise missed
    raise KitError("a bound was tried with no room at all")


async def _watched(
    attempt: Callable[[float], Awaitable[R]], room: float
) -> tuple[list[R], Missed | None, Lateness]:
    """What an attempt returns, if it does, and how late the machine was meanwhile."""
    result: list[R] = []
    missed: Missed | None = None
    with Probe() as probe:
        try:
            result.append(await attempt(room))
        except Missed as error:
            missed = error
    return result, missed, probe.lateness
