"""Assessing adapters in worker processes, which may exit, crash or hang as they like.

A worker holds one adapter. This process imports none of its code, and is the watchdog: nothing in
a process can be trusted to stop what the same process does.
"""

from __future__ import annotations

import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from multiprocessing.connection import wait
from typing import Any

from tck.catalogue import Requirement, requirements
from tck.grading import EXAMPLES, Outcome, Result
from tck.machine import Probe
from tck.report.model import Declaration, Watcher
from tck.run import losses
from tck.run.arguments import TargetError
from tck.run.losses import Loss
from tck.run.process import Worker
from tck.run.progress import Progress
from tck.verdicts import HANGS, Finding

LOAD_LIMIT = 60.0
"""Seconds within which an adapter is loaded, its SDK included."""
STALL_LIMIT = 30.0
"""Seconds after which a check during which no more requests arrive counts as hanging."""
CHECK_LIMIT = 100.0
"""Seconds after which any check counts as hanging, with the usual number of examples."""
KILLS = 3
"""How often an adapter may end or hang its process before the rest is not assessed."""
LOST_LIMIT = 75.0
"""Seconds lost to calls that hang after which the rest is not assessed."""
EXIT_LIMIT = 8.0
"""Seconds within which a process ends that has nothing more to do."""
FEW = 4
"""Requirements for which no further process is started."""

_STARTING = "starting"
_TICK = 0.25
_MEASURE = 0.5


@dataclass(eq=False)
class _Job:
    """A worker process, and what it is doing."""

    worker: Worker
    progress: Progress
    requirement: Requirement | None = None
    """What it assesses; ``None`` while it loads the adapter."""
    phase: str = _STARTING
    since: float = 0.0
    moved: float = 0.0
    """When the last sign came that it goes on."""
    requests: int = 0
    leaving: bool = False
    """Whether it has been told that there is no more to assess."""
    lateness: float = 0.0
    """How often longer this machine takes for everything, once that was measured."""
    left: dict[str, list[str]] = field(default_factory=dict)
    """By requirement, the threads that it started and that still run."""


class Pool:
    """Worker processes that assess adapters.

    Args:
        adapters: what is to be assessed; what is found is put there.
        workers: how many processes at once.
        watcher: told what happens.
    """

    def __init__(self, adapters: Sequence[Progress], workers: int, watcher: Watcher) -> None:
        self._adapters = adapters
        self._workers = workers
        self._watcher = watcher
        self._jobs: list[_Job] = []

    def run(self) -> None:
        """Assess everything.

        Raises:
            TargetError: an adapter is none.
            KeyboardInterrupt: somebody pressed Ctrl-C, or sent SIGTERM. What was found is there.
        """
        with _terminable(), tempfile.TemporaryDirectory(prefix="tck-") as self._scratch:
            try:
                self._staff()
                while self._jobs:
                    self._listen()
                    self._watch()
                    self._staff()
            finally:
                for job in self._jobs:
                    job.worker.kill()

    def _staff(self) -> None:
        """Start as many workers as there is work for."""
        while len(self._jobs) < self._workers:
            most, share = None, 0.0
            for progress in self._adapters:
                present = sum(job.progress is progress for job in self._jobs)
                if (
                    len(progress.todo) > FEW * present
                    and len(progress.todo) / (present + 1) > share
                ):
                    most, share = progress, len(progress.todo) / (present + 1)
            if most is None:
                return
            now = time.monotonic()
            worker = Worker(most.argument, most.examples, self._scratch)
            self._jobs.append(_Job(worker, most, since=now, moved=now))

    def _listen(self) -> None:
        """Hear what the workers say, until none has more to say for now."""
        by_source: dict[Any, _Job] = {}
        for job in self._jobs:
            by_source[job.worker.connection] = job
            if job.worker.prints:
                by_source[job.worker.output] = job
        for source in wait(list(by_source), _TICK):
            job = by_source[source]
            if job not in self._jobs:
                continue  # killed meanwhile, for what another has said
            if source is not job.worker.connection:
                job.worker.drain()
            else:
                self._hear(job)
        for job in list(self._jobs):
            # What it has started may hold its end of the conversation open.
            if job in self._jobs and job.worker.has_ended:
                self._hear(job, last=True)

    def _hear(self, job: _Job, *, last: bool = False) -> None:
        messages = job.worker.hear()
        for message in messages or ():
            if job in self._jobs:
                self._heard(job, message)
        ended = messages is None or (last and not messages)
        if ended and job in self._jobs:
            if job.leaving:
                self._dismiss(job)
            else:
                self._ended(job)

    def _heard(self, job: _Job, message: dict[str, Any]) -> None:
        progress = job.progress
        progress.hosts.update(message.get("hosts", ()))
        progress.packages.update(message.get("packages", {}))
        if job.requirement is None:
            progress.loading.update(message.get("hosts", ()))
        if "requests" in message:
            if message["requests"] != job.requests:
                job.requests, job.moved = message["requests"], time.monotonic()
        elif "crashed" in message:
            finding = losses.kit_failed("a worker process crashed", message["crashed"])
            self._unloadable(job, finding, kit_fault=True)
        elif "phase" in message:
            job.phase = message["phase"]
        elif "refused" in message:
            raise TargetError(message["refused"])
        elif "unloadable" in message:
            self._unloadable(job, Finding.from_data(message["unloadable"]))
        elif "loaded" in message:
            declaration = Declaration.from_data(message["loaded"])
            if progress.declaration is None:
                self._assert_new_name(progress, declaration)
                progress.declare(declaration)
                self._watcher.loaded(progress.argument, declaration)
                self._watcher.planned(progress.argument, tuple(progress.todo))
            self._give(job)
        elif "left" in message:
            job.left = message["left"]
        elif "result" in message:
            self._found(job, Result.from_data(message["result"]), message["seconds"])

    def _assert_new_name(self, progress: Progress, declaration: Declaration) -> None:
        for other in self._adapters:
            known = other.declaration
            if other is not progress and known is not None and known.name == declaration.name:
                raise TargetError(
                    f"two of the adapters are called {declaration.name!r}: give them different "
                    "names"
                )

    def _give(self, job: _Job) -> None:
        """Let a worker assess what is next, or end it."""
        if not job.progress.todo:
            job.leaving, job.requirement, job.since = True, None, time.monotonic()
            job.lateness = 0.0
            job.worker.say({})
            return
        job.requirement = job.progress.todo.popleft()
        job.since = job.moved = time.monotonic()
        job.lateness = 0.0
        job.worker.say({"assess": job.requirement.id})
        self._watcher.began(job.progress.argument, job.requirement)

    def _found(self, job: _Job, result: Result, seconds: float) -> None:
        self._add(job, result, seconds)
        if result.finding is not None and result.finding.cause == HANGS:
            self._count_loss(job, seconds, killed=False)
        self._give(job)

    def _add(self, job: _Job, result: Result, seconds: float) -> None:
        job.progress.add(result, seconds)
        self._watcher.ended(job.progress.argument, result, seconds)

    def _dismiss(self, job: _Job) -> None:
        if job in self._jobs:
            self._jobs.remove(job)
            job.worker.kill()

    # What follows is about workers that end otherwise than they should.

    def _ended(self, job: _Job) -> None:
        """A worker has closed its end of the conversation."""
        self._lost(job, losses.ended(job.worker.exit_status()))

    def _watch(self) -> None:
        """Kill what hangs."""
        for job in list(self._jobs):
            if job not in self._jobs or not self._is_late(job):
                continue  # or dismissed with another that could not load the same adapter
            if not job.lateness:
                # A busy machine is given as much more time as it needs for everything.
                job.lateness = _measured()
            elif job.leaving:
                self._left_running(job)
            else:
                self._lost(job, losses.hung(time.monotonic() - job.since, job.lateness))

    def _is_late(self, job: _Job) -> bool:
        more = max(1.0, job.lateness)
        took, quiet = time.monotonic() - job.since, time.monotonic() - job.moved
        if job.leaving:
            return took > EXIT_LIMIT * more
        if job.requirement is None:
            return took > LOAD_LIMIT * more
        whole = CHECK_LIMIT * max(1.0, job.progress.examples / EXAMPLES)
        return quiet > STALL_LIMIT * more or took > whole * more

    def _lost(self, job: _Job, loss: Loss) -> None:
        """A worker is no more: say what it did last, and whether the adapter gets another."""
        self._dismiss(job)
        printed = job.worker.printed.decode("utf-8", "replace").strip()
        if job.phase == _STARTING:
            what = f"a worker process did not start: {loss.seen}"
            self._unloadable(job, losses.kit_failed(what, printed), kit_fault=True)
            return
        if job.requirement is None:
            finding = losses.while_loading(loss, job.phase, printed)
            self._unloadable(job, finding, kit_fault=loss.kit_fault)
            return
        seconds = time.monotonic() - job.since
        finding = losses.in_a_call(loss, printed)
        result = Result(job.requirement, loss.outcome, finding=finding, kit_fault=loss.kit_fault)
        self._add(job, result, seconds)
        self._count_loss(job, seconds if loss.cause == HANGS else 0.0, killed=True)

    def _left_running(self, job: _Job) -> None:
        """A process does not end: fail the first MUST, as it may be the doing of any call."""
        self._dismiss(job)
        finding = losses.left_running(EXIT_LIMIT, chain.from_iterable(job.left.values()))
        found = job.progress.results
        # However many processes find it out, one and the same requirement is failed.
        if any(one.finding and one.finding.cause == finding.cause for one in found.values()):
            return
        musts = [one for one in requirements().values() if one.level == "must" and one.id in found]
        passed = (one for one in musts if found[one.id].outcome.fine)
        blamed = next(passed, None)
        if blamed is not None:
            seconds = job.progress.seconds.get(blamed.id, 0.0)
            self._add(job, Result(blamed, Outcome.FAILED, finding=finding), seconds)

    def _count_loss(self, job: _Job, seconds: float, *, killed: bool) -> None:
        progress = job.progress
        progress.kills += killed
        progress.lost += seconds
        if progress.kills >= KILLS or progress.lost > LOST_LIMIT:
            progress.give_up(losses.stopped(progress.kills, progress.lost))

    def _unloadable(self, job: _Job, finding: Finding, *, kit_fault: bool = False) -> None:
        """Assess nothing more of an adapter that cannot be loaded."""
        for other in list(self._jobs):
            if other.progress is job.progress:
                if other.requirement is not None:
                    job.progress.todo.appendleft(other.requirement)
                self._dismiss(other)
        job.progress.give_up(finding, kit_fault=kit_fault)


def _measured() -> float:
    """How often longer this machine takes for everything than it does alone."""
    with Probe() as probe:
        time.sleep(_MEASURE)
    return max(1.0, probe.lateness.stretch)


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end a run as Ctrl-C does, so that what was found is told."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    numbers = (signal.SIGTERM, signal.SIGHUP)
    try:
        before = [signal.signal(number, interrupt) for number in numbers]
    except ValueError:  # not the main thread: nobody's signals are ours
        yield
        return
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
