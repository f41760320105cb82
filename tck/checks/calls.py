"""Calling an adapter, so that whatever it does wrong comes out as a `Violation`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar
from typing import Any

from tck.building import pass_on
from tck.checks.comparing import as_text
from tck.machine import lateness_now
from tck.verdicts import BEHAVIOUR, HANGS, Violation

CALL_LIMIT = 20.0
"""Seconds without progress after which a call that no check has bounded counts as hanging."""

LONGEST_CALL = 60.0
"""Seconds after which such a call counts as hanging although it makes progress."""

_LONG = 5.0
_progress: ContextVar[Callable[[], object] | None] = ContextVar("progress", default=None)


class Hung(Violation):
    """A call has not ended within its limit."""


def watch_progress(progress: Callable[[], object]) -> None:
    """Extend the limit of unbounded calls, in this context, while a value changes."""
    _progress.set(progress)


async def returned(
    called: Callable[[], Awaitable[Any]], what: str, *, limit: float | None = None
) -> Any:
    """What a call returns.

    Args:
        called: makes the call.
        what: the call, in the words of a report: ``complete()``.
        limit: seconds after which it counts as hanging; ``None``: `CALL_LIMIT`, and longer
            while it makes progress.

    Raises:
        Violation: it raises, or does not return.
        LateMachineError: it raises after long, most of which the machine was late.
    """
    start, used = time.perf_counter(), time.process_time()
    outcome, error = await ended(called, what, limit)
    if error is not None:
        took, cpu = time.perf_counter() - start, time.process_time() - used
        if took > _LONG:  # the adapter's own timeout may have ended it
            lateness_now().excuse(took, took / 2, cpu)
        raise Violation(
            expected=f"{what} succeeds", seen=f"it raised {described(error)}"
        ) from error
    return outcome


async def raised(
    called: Callable[[], Awaitable[Any]], what: str, *, limit: float | None = None
) -> Exception:
    """The exception that a call raises.

    Raises:
        Violation: it returns, or does not end.
    """
    outcome, error = await ended(called, what, limit)
    if error is None:
        raise Violation(expected=f"{what} raises", seen=f"it returned {outcome!r:.200}")
    return error


async def ended(
    called: Callable[[], Awaitable[Any]], what: str, limit: float | None = None
) -> tuple[Any, Exception | None]:
    """What a call returns and ``None``, or ``None`` and the exception that it raises.

    Raises:
        Violation: it does not end, or raises what is no `Exception`.
        LateMachineError: it does not end, on a machine that is too late to say why.
    """
    start, used, progress = time.perf_counter(), time.process_time(), _progress.get()
    bound = asyncio.timeout(CALL_LIMIT if limit is None else limit)
    try:
        async with bound:
            if limit is not None or progress is None:
                return await called(), None
            extension = _Extension(bound, progress)
            try:
                return await called(), None
            finally:
                extension.end()
    except Exception as error:
        if bound.expired():
            took, cpu = time.perf_counter() - start, time.process_time() - used
            if limit is None:
                # What waits for ever computes nothing, and gains nothing by a busy machine.
                lateness_now().excuse(took, CALL_LIMIT * 0.75, cpu)
            seen = f"nothing within {took:.3g} s"
            cause = HANGS if limit is None else BEHAVIOUR
            raise Hung(expected=f"{what} ends", seen=seen, cause=cause) from error
        return None, error
    except BaseException as error:
        pass_on(error)
        cancelled = isinstance(error, asyncio.CancelledError)
        why = ", and nobody had cancelled it" if cancelled else ""
        raise Violation(
            expected=f"{what} returns, or raises an Exception",
            seen=f"it raised {described(error)}{why}",
            look_at="what ends a process or a task, such as sys.exit(), in a library",
        ) from error


class _Extension:
    """Moves a bound on while there is progress.

    Args:
        bound: is open.
        progress: a value that changes with it.
    """

    def __init__(self, bound: asyncio.Timeout, progress: Callable[[], object]) -> None:
        self._bound = bound
        self._progress = progress
        self._before = progress()
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time() + LONGEST_CALL
        self._timer = self._loop.call_later(CALL_LIMIT / 4, self._look)

    def _look(self) -> None:
        now = self._progress()
        if now != self._before and not self._bound.expired():
            self._bound.reschedule(min(self._loop.time() + CALL_LIMIT, self._last))
        self._before = now
        self._timer = self._loop.call_later(CALL_LIMIT / 4, self._look)

    def end(self) -> None:
        self._timer.cancel()


async def together(*calls: Coroutine[Any, Any, None]) -> None:
    """Run calls concurrently to their ends, and raise what the first of them, as listed, raised."""
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    for outcome in outcomes:
        if outcome is not None:
            raise outcome


def run_alone(work: Coroutine[Any, Any, Any]) -> Any:
    """Run calls in a new event loop, in a thread that has none.

    Raises:
        Violation: a call stops the loop, or ends it with what is no `Exception`.
    """
    ended_well = False

    async def whole() -> Any:
        nonlocal ended_well
        try:
            return await work
        finally:
            ended_well = True

    with asyncio.Runner() as runner:
        try:
            return runner.run(whole())
        except RuntimeError as error:
            if ended_well:
                raise
            raise Violation(
                expected="a call leaves the event loop running", seen="it stopped the event loop"
            ) from error


def described(error: BaseException) -> str:
    """An exception in a few words."""
    try:
        text = as_text(error)
    except Exception:  # noqa: BLE001 - it cannot even be shown
        text = "its str() fails"
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__
