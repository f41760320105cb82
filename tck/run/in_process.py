"""Assessing adapters in this process, for debuggers: nothing stops what hangs or exits."""

from __future__ import annotations

import time
from collections.abc import Sequence

from tck.report.model import Watcher
from tck.run.assessment import assess
from tck.run.progress import Progress
from tck.run.targets import UnloadableError, assert_distinct, load_target
from tck.run.worker import loaded_packages
from tck.wire.guard import NetworkGuard


def assess_here(adapters: Sequence[Progress], watcher: Watcher) -> None:
    """Assess everything; what is found is put into ``adapters``.

    Raises:
        TargetError: an adapter is none.
    """
    for progress in adapters:
        with NetworkGuard() as guard:
            try:
                target = load_target(progress.argument, progress.examples)
            except UnloadableError as error:
                progress.give_up(error.finding)
                continue
            finally:
                progress.loading.update(guard.hosts)
            names = [one.declaration.name for one in adapters if one.declaration is not None]
            assert_distinct([*names, target.adapter.name])
            progress.declare(target.declaration)
            watcher.loaded(progress.argument, target.declaration)
            watcher.planned(progress.argument, tuple(progress.todo))
            while progress.todo:
                requirement = progress.todo.popleft()
                watcher.began(progress.argument, requirement)
                start = time.monotonic()
                result = assess(target, requirement)
                seconds = time.monotonic() - start
                progress.add(result, seconds)
                progress.hosts.update(guard.hosts)
                watcher.ended(progress.argument, result, seconds)
            progress.packages.update(loaded_packages())
