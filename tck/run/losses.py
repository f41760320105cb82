"""What is to be said of a worker process that ends otherwise than it should."""

from __future__ import annotations

import signal
from collections.abc import Iterable
from dataclasses import dataclass

from tck.grading import Outcome
from tck.verdicts import HANGS, LATE_MACHINE, Finding

ENDED, KILLED, STOPPED, NOT_LOADED, LEFT_RUNNING = (
    "process-ended",
    "process-killed",
    "stopped",
    "not-loaded",
    "left-running",
)
"""Causes, see `tck.verdicts.Finding.cause`."""

MUCH_LATER = 1.5
"""How often longer a machine takes for everything on which nobody is blamed for a limit."""


@dataclass(frozen=True)
class Loss:
    """Why a process is no more, and whom that is held against."""

    outcome: Outcome
    """Of what it was assessing."""
    seen: str
    cause: str

    @property
    def kit_fault(self) -> bool:
        return self.cause == LATE_MACHINE


def ended(status: int | None) -> Loss:
    """A process that has ended by itself, or whose end nobody knows.

    Args:
        status: its exit status, negative for a signal; ``None`` where it only fell silent.
    """
    if status is None:
        return Loss(Outcome.FAILED, "the process closed what it reports over", ENDED)
    if status == -signal.SIGKILL:
        seen = "the process was killed from outside, as when memory runs out"
        return Loss(Outcome.NOT_VERIFIED, seen, KILLED)
    if status < 0:
        name = _signal_name(-status)
        return Loss(Outcome.FAILED, f"the process ended by signal {name}", f"{ENDED}:{name}")
    seen = f"the process ended with exit status {status}"
    return Loss(Outcome.FAILED, seen, f"{ENDED}:{status}")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def hung(seconds: float, lateness: float) -> Loss:
    """A process in which nothing went on.

    Args:
        seconds: how long.
        lateness: how often longer the machine takes for everything than it does alone.
    """
    if lateness < MUCH_LATER:
        seen = f"nothing within {seconds:.0f} s, and the process was killed"
        return Loss(Outcome.FAILED, seen, HANGS)
    seen = (
        f"kit error: nothing within {seconds:.0f} s, on a machine that takes {lateness:.1f} times "
        "as long for everything"
    )
    return Loss(Outcome.NOT_VERIFIED, seen, LATE_MACHINE)


def in_a_call(loss: Loss, printed: str) -> Finding:
    """What is to be said of the requirement that was being assessed."""
    return Finding(
        expected="every call returns or raises, and leaves the process alone",
        seen=loss.seen,
        look_at="what the adapter does in the calls of this requirement; "
        "`tck run -n 0` runs them in a debugger's process",
        cause=loss.cause,
        trace=printed,
    )


def while_loading(loss: Loss, phase: str, printed: str) -> Finding:
    """What is to be said of all requirements of an adapter that was being loaded."""
    return Finding(
        expected="the adapter can be loaded",
        seen=f"{phase}: {loss.seen}",
        look_at="the module that describes it, and what its factories do",
        cause=loss.cause if loss.kit_fault else NOT_LOADED,
        trace=printed,
    )


def left_running(seconds: float, threads: Iterable[str]) -> Finding:
    """A process that has nothing more to do, and does not end.

    Args:
        seconds: after which it was killed.
        threads: names of those that calls have started.
    """
    names = ", ".join(sorted(set(threads)))
    return Finding(
        expected="a process ends after its last call",
        seen=f"it was killed {seconds:g} s later",
        look_at="threads and processes that are no daemons, and what is registered with atexit",
        cause=LEFT_RUNNING,
        trace=f"threads: {names}" if names else "no thread of a call is known",
    )


def stopped(kills: int, lost: float) -> Finding:
    """What is to be said of the requirements that are not assessed any more."""
    return Finding(
        expected="the adapter lets itself be assessed",
        seen="not run: it has ended or hung its process too often "
        f"({kills} times, {lost:.0f} s lost)",
        look_at="the findings of the requirements at which it did",
        cause=STOPPED,
    )


def kit_failed(what: str, trace: str) -> Finding:
    """What is to be said where the kit's own code fails in a worker."""
    return Finding(
        expected="worker processes that do what they are told",
        seen=f"kit error: {what}",
        look_at="this says nothing about the adapter; `-v` shows the traceback: report it",
        cause="kit",
        trace=trace,
    )
