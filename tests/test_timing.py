"""A bound that is missed says nothing of an adapter where the machine was late."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest

from tck.building import release
from tck.checks import calls, timing
from tck.checks.calls import Hung, ended, together, watch_progress
from tck.checks.timing import Missed, Stopwatch, in_time
from tck.machine import Lateness, Probe
from tck.verdicts import LateMachineError, Violation

CALM = Lateness(1.0, 0.0)
BUSY = Lateness(3.0, 0.2)


class _Attempt:
    """Misses its bound in some rooms, by a second."""

    def __init__(self, *misses: float) -> None:
        self.misses = misses
        self.rooms: list[float] = []

    async def __call__(self, room: float) -> str:
        self.rooms.append(room)
        if room in self.misses:
            raise Missed(expected="soon", seen="late", bound=1.0, watch=Stopwatch(), took=2.0)
        return "done"


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Any:
    class Told(Probe):
        told = CALM

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_: object) -> None:
            self.lateness = self.told

    monkeypatch.setattr(timing, "Probe", Told)
    return Told


async def test_what_is_in_time_is_tried_once(machine: Any) -> None:
    attempt = _Attempt()
    assert await in_time(attempt, (1, 2, 3), every=True) == "done"
    assert attempt.rooms == [1]


async def test_on_a_calm_machine_a_miss_is_the_adapters(machine: Any) -> None:
    attempt = _Attempt(1, 2, 3)
    with pytest.raises(Missed):
        await in_time(attempt, (1, 2, 3), every=True)
    assert attempt.rooms == [1, 2]


async def test_on_a_busy_machine_there_is_more_room(machine: Any) -> None:
    machine.told = BUSY
    attempt = _Attempt(1, 2)
    assert await in_time(attempt, (1, 2, 3), every=False) == "done"
    assert attempt.rooms == [1, 2, 3]


async def test_what_a_busy_machine_does_not_explain_is_the_adapters(machine: Any) -> None:
    machine.told = BUSY
    with pytest.raises(Missed):
        await in_time(_Attempt(1, 2, 3), (1, 2, 3), every=True)


async def test_what_a_late_machine_explains_is_a_fault_of_the_kit(machine: Any) -> None:
    machine.told = Lateness(1.0, 1.5)
    with pytest.raises(LateMachineError, match=r"late by 1\.5 s"):
        await in_time(_Attempt(1, 2, 3), (1, 2, 3), every=True)


async def test_a_bound_of_the_requirement_is_not_given_up_for_a_larger_one(machine: Any) -> None:
    with pytest.raises(Missed):
        await in_time(_Attempt(1), (1, 2, 3), every=True)
    assert await in_time(_Attempt(1), (1, 2, 3), every=False) == "done"
    machine.told = BUSY
    with pytest.raises(LateMachineError, match="too busy"):
        await in_time(_Attempt(1), (1, 2, 3), every=True)


def test_the_probe_measures() -> None:
    with Probe() as probe:
        pass
    assert 0.9 < probe.lateness.stretch < 1000
    assert 0 <= probe.lateness.longest < 60


def test_only_computing_is_stretched() -> None:
    assert BUSY.explains(took=2.0, bound=1.0, cpu=0.5)
    assert not BUSY.explains(took=2.0, bound=1.0, cpu=0.1)
    assert not CALM.explains(took=2.0, bound=1.0, cpu=2.0)


async def _raising(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize("error", [SystemExit(0), GeneratorExit(), asyncio.CancelledError()])
async def test_whatever_a_call_raises_is_its_own(error: BaseException) -> None:
    with pytest.raises(Violation, match=type(error).__name__):
        await ended(lambda: _raising(error), "complete()")


async def test_a_pytest_outcome_out_of_a_call_is_its_own() -> None:
    async def skipping() -> None:
        pytest.skip("no key")

    with pytest.raises(Violation, match="it raised Skipped: no key"):
        await together(_as_check(skipping))


async def _as_check(call: Any) -> None:
    await ended(call, "complete()")


async def test_ctrl_c_and_a_real_cancellation_pass() -> None:
    with pytest.raises(KeyboardInterrupt):
        await ended(lambda: _raising(KeyboardInterrupt()), "complete()")
    task = asyncio.ensure_future(ended(lambda: asyncio.sleep(60), "complete()"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_call_hangs_only_without_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "CALL_LIMIT", 0.2)
    monkeypatch.setattr(calls, "LONGEST_CALL", 1.0)
    monkeypatch.setattr(calls, "lateness_now", lambda: CALM)
    with pytest.raises(Hung):
        await ended(lambda: asyncio.sleep(60), "complete()")
    watch_progress(lambda: asyncio.get_running_loop().time())
    assert await ended(lambda: asyncio.sleep(0.6, "done"), "complete()") == ("done", None)
    watch = Stopwatch()
    with pytest.raises(Hung):
        await ended(lambda: asyncio.sleep(60), "complete()")
    assert 0.9 < watch.took < 10


@pytest.mark.parametrize("failing", [SystemExit, GeneratorExit, ValueError])
async def test_releasing_raises_nothing(failing: type[BaseException]) -> None:
    class Provider:
        async def aclose(self) -> None:
            raise failing

    await release(Provider())


async def test_releasing_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["tck.building"], "RELEASE_LIMIT", 0.05)

    class Provider:
        async def close(self) -> None:
            await asyncio.sleep(60)

    watch = Stopwatch()
    await release(Provider())
    assert watch.took < 30
