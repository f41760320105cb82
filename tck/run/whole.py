"""A whole run: what is typed in, a report out."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Sequence

from tck.grading import EXAMPLES
from tck.report.model import Environment, Report, Watcher
from tck.run.arguments import TargetError, checked_arguments
from tck.run.pool import Pool
from tck.run.progress import Progress
from tck.run.selection import SelectionError, selected

MOST_WORKERS = 4
CAN_ISOLATE = os.name == "posix"
"""Whether there are sessions of processes here, which end with all that they have started."""


def usual_workers() -> int:
    """As many as there are cores for this process, and at most `MOST_WORKERS`."""
    if not CAN_ISOLATE:
        return 0
    has_affinity = hasattr(os, "sched_getaffinity")
    cores = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count()
    return min(MOST_WORKERS, cores or 1)


def run(
    arguments: Sequence[str],
    watcher: Watcher,
    *,
    workers: int,
    only: str | None = None,
    examples: int | None = None,
) -> Report:
    """Grade adapters.

    Args:
        arguments: each ``module:attribute`` or a bundled name; none means all bundled ones.
        watcher: told what happens.
        workers: how many processes assess; 0 assesses in this one.
        only: assess what this expression selects.
        examples: how many examples a drawn check tries, when not the usual number.

    Raises:
        TargetError: an adapter is none.
        SelectionError: ``only`` cannot be read, or selects nothing of these adapters.
    """
    start = time.monotonic()
    chosen = checked_arguments(arguments, examples)
    ids = selected(only)
    adapters = [Progress(argument, ids, examples or EXAMPLES) for argument in chosen]
    for progress in adapters:
        watcher.planned(progress.argument, tuple(progress.todo))
    interrupted = False
    try:
        if workers:
            Pool(adapters, workers, watcher).run()
        else:
            from tck.run.in_process import assess_here  # noqa: PLC0415 - it loads all checks

            assess_here(adapters, watcher)
    except KeyboardInterrupt:
        interrupted = True
    report = Report(
        tuple(progress.report() for progress in adapters),
        Environment(
            python=f"{platform.python_implementation()} {platform.python_version()}",
            platform=platform.platform(terse=True),
            packages=dict(
                sorted(pair for progress in adapters for pair in progress.packages.items())
            ),
            workers=workers,
        ),
        selection=only,
        interrupted=interrupted,
        seconds=time.monotonic() - start,
    )
    if ids is not None and not interrupted and not any(one.shown for one in report.adapters):
        raise SelectionError(
            f"-k {only!r} matches nothing that these adapters declare: `tck list` shows which "
            "capability each requirement is of"
        )
    return report


__all__ = ["SelectionError", "TargetError", "run", "usual_workers"]
