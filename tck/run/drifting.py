"""Drift of adapters: every scenario is recorded again and compared with its recording."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tck.cassettes.cassette import Cassette
from tck.cassettes.library import Library
from tck.cassettes.record_scenario import record_scenario
from tck.cassettes.scenarios import Scenario
from tck.cassettes.services import Service, ServiceKind
from tck.drift.comparison import drift_of
from tck.drift.model import AdapterDrift, DriftOutcome, DriftReport, ScenarioDrift
from tck.drift.sdk import sdk_models
from tck.run.recording import Services, chosen_scenarios
from tck.run.targets import Target
from tck.verdicts import KitError, NotVerified
from tck.wire.dialects.model import Dialect


@dataclass(frozen=True)
class _Task:
    """A scenario to record anew, and what it is to be compared with."""

    target: Target
    dialect: Dialect
    scenario: Scenario
    old: Cassette | ScenarioDrift
    """The old recording, or what there is to say without one."""


async def drift_of_adapters(
    targets: Sequence[Target],
    only: str | None,
    tell: Callable[[str, ScenarioDrift], None],
) -> DriftReport:
    """Record scenarios into a temporary folder, and compare them with the recordings kept.

    Each is recorded with the kind of service, local or hosted, that its old recording is of:
    another service differs by itself, without any drift.

    Args:
        targets: the adapters.
        only: take the scenarios whose names hold this.
        tell: called with the name of the adapter when a scenario is done.

    Raises:
        TargetError: there is nothing to compare, or no service to record.
    """
    tasks = [
        _Task(target, dialect, scenario, _old(target, scenario))
        for target, dialect, scenario in chosen_scenarios(targets, only)
    ]
    done: dict[str, list[ScenarioDrift]] = {task.target.adapter.name: [] for task in tasks}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tck-drift-")))
        services = Services(stack)
        # Before the first recording, so that a missing key stops the command at once.
        for task in tasks:
            if isinstance(task.old, Cassette):
                _service(task, task.old, services)
        for task in tasks:
            name = task.target.adapter.name
            drift = await _drift(task, services, Library(task.target.argument, folder / name))
            done[name].append(drift)
            tell(name, drift)
    return DriftReport(tuple(AdapterDrift(name, tuple(drifts)) for name, drifts in done.items()))


def _old(target: Target, scenario: Scenario) -> Cassette | ScenarioDrift:
    try:
        return target.library.load(scenario)
    except NotVerified as problem:
        return ScenarioDrift(scenario.name, DriftOutcome.NO_OLD, str(problem))
    except KitError as problem:
        return ScenarioDrift(scenario.name, DriftOutcome.DAMAGED, str(problem))


def _service(task: _Task, old: Cassette, services: Services) -> Service:
    """A service of the kind that the old recording is of."""
    kind: ServiceKind = "hosted" if old.passport.get("provider") == "hosted" else "local"
    return services.of(task.target, task.dialect, kind)


async def _drift(task: _Task, services: Services, library: Library) -> ScenarioDrift:
    if isinstance(task.old, ScenarioDrift):
        return task.old
    service = _service(task, task.old, services)
    attempt = await record_scenario(
        task.target.adapter, task.dialect, service, task.scenario, library
    )
    name = task.scenario.name
    if attempt.path is None:
        return ScenarioDrift(name, DriftOutcome.NOT_RECORDED, attempt.problem)
    new = library.load(task.scenario)
    return drift_of(name, task.old, new, task.dialect, sdk_models(task.dialect))
