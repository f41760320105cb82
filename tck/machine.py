"""How late this machine is, measured in a process of its own.

A bound of seconds that an adapter has missed says nothing of it where the machine was busy with
something else. An adapter could keep its own process busy, so the measure is taken elsewhere: a
child alternates short computations and short sleeps, and compares the time that they took with
the time that they should have taken.
"""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from tck.verdicts import KitError, LateMachineError

_PATIENCE = 30.0
"""Seconds for which the child is waited for."""

# A computation of 20 ms is long enough to be interrupted by other processes, as the adapter's
# are; shorter ones would pass undisturbed on a busy machine. New processes are preferred by some
# schedulers, so it goes on for a second at least, and the worst five computations in a row count.
_CHILD = """
import sys, threading, time
stopped = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stopped.set()), daemon=True).start()
print(flush=True)
bursts, late, end = [], 0.0, time.perf_counter() + 1.0
while not stopped.is_set() or time.perf_counter() < end or len(bursts) < 5:
    start, used = time.perf_counter(), time.thread_time()
    while time.thread_time() - used < 0.02:
        pass
    bursts.append((time.perf_counter() - start) / (time.thread_time() - used))
    start = time.perf_counter()
    time.sleep(0.005)
    late = max(late, time.perf_counter() - start - 0.005)
print(max(sum(bursts[n:n + 5]) / 5 for n in range(len(bursts) - 4)), late, flush=True)
"""


@dataclass(frozen=True)
class Lateness:
    """How late the machine was."""

    stretch: float
    """How many times as long as alone a computation took; 1.0 on an idle machine."""
    longest: float
    """Seconds by which the latest timer was late."""

    @property
    def calm(self) -> bool:
        """Whether there is nothing to excuse."""
        return self.stretch < 1.25 and self.longest < 0.1

    def explains(self, took: float, bound: float, cpu: float) -> bool:
        """Whether a bound would have been met on an idle machine.

        Args:
            took: seconds that went by.
            bound: seconds that were allowed.
            cpu: seconds of computing that this process has done meanwhile.
        """
        return took - self.lost(cpu) <= bound

    def lost(self, cpu: float) -> float:
        """Seconds that somebody who computed for ``cpu`` seconds has lost to the machine."""
        return cpu * max(0.0, self.stretch - 1) + self.longest

    def excuse(self, took: float, bound: float, cpu: float) -> None:
        """Raise `LateMachineError` where the machine `explains` a bound that was missed."""
        if self.explains(took, bound, cpu):
            raise LateMachineError(
                f"the machine was late by {self.lost(cpu):.2g} s: it took {self.stretch:.2g} "
                f"times as long to compute as it does alone, and a timer was late by "
                f"{self.longest:.2g} s"
            )


class Probe:
    """Measures how late the machine is while its context is open.

    After it, `lateness` holds the result.

    Raises:
        KitError: the child cannot be started, or says nothing.
    """

    def __init__(self) -> None:
        self.lateness = Lateness(1.0, 0.0)
        self._child: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        try:
            self._child = subprocess.Popen(  # noqa: S603 - our own code
                [sys.executable, "-I", "-S", "-c", _CHILD],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        except OSError as error:
            raise KitError(f"the delay of the machine cannot be measured: {error}") from error
        assert self._child.stdout is not None  # noqa: S101 - it is a pipe
        self._child.stdout.readline()  # it runs
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._child is not None  # noqa: S101 - the context is open
        try:
            told, _ = self._child.communicate(timeout=_PATIENCE)
            stretch, longest = map(float, told.split())
        except (subprocess.TimeoutExpired, ValueError, OSError) as fault:
            raise KitError("the delay of the machine could not be measured") from fault
        finally:
            self._child.kill()
        self.lateness = Lateness(stretch, longest)


_FRESH = 30.0
_last: tuple[float, Lateness] | None = None


def lateness_now() -> Lateness:
    """How late the machine is, measured for a second, or at most half a minute ago."""
    global _last  # noqa: PLW0603 - many calls may hang at once, and one measure will do
    if _last is None or time.monotonic() - _last[0] > _FRESH:
        with Probe() as probe:
            pass
        _last = (time.monotonic(), probe.lateness)
    return _last[1]
