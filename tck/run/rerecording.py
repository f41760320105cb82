"""Recording adapters anew beside their old recordings, and comparing the two."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tck.cassettes.cassette import Cassette
from tck.cassettes.library import Library
from tck.cassettes.providers import ProviderKind, RecordedProvider
from tck.cassettes.recorder import record
from tck.cassettes.scenarios import Scenario
from tck.drift.comparison import Outcome, ScenarioDrift, SdkModel, drift_of
from tck.report.drift import AdapterDrift, DriftReport
from tck.run.recording import Providers, chosen_scenarios
from tck.run.targets import Target
from tck.verdicts import KitError, NotVerified
from tck.wire.dialects.model import Dialect, Route

# Data, and no imports: an SDK that is not installed is none that can be asked.
SDK_MODELS: dict[str, dict[Route, str]] = {
    "openai": {
        "chat": "openai.types.chat:ChatCompletion",
        "embeddings": "openai.types:CreateEmbeddingResponse",
    },
    "anthropic": {"chat": "anthropic.types:Message"},
}
"""By dialect and route, where the SDK's model of a successful response is."""


@dataclass(frozen=True)
class _Task:
    """A scenario to record anew, and what it is to be compared with."""

    target: Target
    dialect: Dialect
    scenario: Scenario
    old: Cassette | ScenarioDrift
    """The old recording, or what there is to say without one."""


async def drift_of_targets(
    targets: Sequence[Target],
    only: str | None,
    tell: Callable[[str, ScenarioDrift], None],
) -> DriftReport:
    """Record scenarios into a temporary folder, and compare them with the recordings kept.

    Each is recorded of the kind of provider, local or hosted, that its old recording is of: a
    comparison with another provider would not be one of drift.

    Args:
        targets: the adapters.
        only: take the scenarios whose names hold this.
        tell: called with the name of the adapter when a scenario is done.

    Raises:
        TargetError: there is nothing to compare, or no provider to record.
    """
    tasks = [
        _Task(target, dialect, scenario, _old(target, scenario))
        for target, dialect, scenario in chosen_scenarios(targets, only)
    ]
    done: dict[str, list[ScenarioDrift]] = {task.target.adapter.name: [] for task in tasks}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tck-drift-")))
        providers = Providers(stack)
        # Before the first is recorded, so that a missing key is told at once.
        for task in tasks:
            if isinstance(task.old, Cassette):
                _provider(task, task.old, providers)
        for task in tasks:
            name = task.target.adapter.name
            drift = await _drift(task, providers, Library(task.target.argument, folder / name))
            done[name].append(drift)
            tell(name, drift)
    return DriftReport(tuple(AdapterDrift(name, tuple(drifts)) for name, drifts in done.items()))


def _old(target: Target, scenario: Scenario) -> Cassette | ScenarioDrift:
    try:
        return target.library.load(scenario)
    except NotVerified as problem:
        return ScenarioDrift(scenario.name, Outcome.NO_OLD, str(problem))
    except KitError as problem:
        return ScenarioDrift(scenario.name, Outcome.DAMAGED, str(problem))


def _provider(task: _Task, old: Cassette, providers: Providers) -> RecordedProvider:
    """A provider of the kind that the old recording is of."""
    kind: ProviderKind = "hosted" if old.passport.get("provider") == "hosted" else "local"
    return providers.of(task.target, task.dialect, kind)


async def _drift(task: _Task, providers: Providers, library: Library) -> ScenarioDrift:
    if isinstance(task.old, ScenarioDrift):
        return task.old
    provider = _provider(task, task.old, providers)
    recording = await record(task.target.adapter, task.dialect, provider, task.scenario, library)
    name = task.scenario.name
    if recording.path is None:
        return ScenarioDrift(name, Outcome.NOT_RECORDED, recording.problem)
    new = library.load(task.scenario)
    return drift_of(name, task.old, new, task.dialect, sdk_models(task.dialect))


def sdk_models(dialect: Dialect) -> dict[Route, SdkModel]:
    """The models that the SDK of a wire has of its responses; none for a wire without one."""
    named = SDK_MODELS.get(dialect.name, {})
    return {route: sdk_model(name) for route, name in named.items()}


def sdk_model(name: str) -> SdkModel:
    """An SDK's model by its ``module:class``, or why it cannot be had."""
    module, _, attribute = name.partition(":")
    try:
        model: Any = getattr(importlib.import_module(module), attribute)
        return SdkModel(name, model.model_json_schema())
    except ModuleNotFoundError as error:
        absent = error.name == module.partition(".")[0]
        return SdkModel(name, None, "not installed" if absent else str(error))
    except Exception as error:  # noqa: BLE001 - the models of an SDK only inform
        return SdkModel(name, None, f"cannot be read: {type(error).__name__}: {error}")
