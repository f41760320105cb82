"""The report of `tck drift`: what it says in a terminal, and as JSON."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape

from tck import __version__
from tck.drift.comparison import (
    Outcome,
    ScenarioDrift,
    SdkFinding,
    SdkModel,
    SdkView,
    StatusChange,
)
from tck.drift.schemas import Finding, FindingKind
from tck.drift.shapes import Change, Path, spelled, spelled_types, topmost

_SHOWN = {
    Outcome.SAME: "[green]same[/]    ",
    Outcome.CHANGED: "[yellow]changed[/] ",
    Outcome.DRIFTED: "[bold red]DRIFTED[/] ",
    Outcome.NOT_RECORDED: "[bold red]FAILED[/]  ",
    Outcome.NO_OLD: "[bold yellow]UNKNOWN[/] ",
    Outcome.DAMAGED: "[bold red]DAMAGED[/] ",
}
_SAID: dict[FindingKind, str] = {
    "unknown": "it does not know",
    "lacking": "it requires",
    "mistyped": "it has another type for",
}


@dataclass(frozen=True)
class AdapterDrift:
    """The scenarios of one adapter, in the order in which they were recorded."""

    name: str
    scenarios: tuple[ScenarioDrift, ...]


@dataclass(frozen=True)
class DriftReport:
    """All that one run of `tck drift` has found."""

    adapters: tuple[AdapterDrift, ...]

    @property
    def scenarios(self) -> list[ScenarioDrift]:
        return [scenario for adapter in self.adapters for scenario in adapter.scenarios]

    @property
    def kit_failed(self) -> bool:
        return any(scenario.outcome is Outcome.DAMAGED for scenario in self.scenarios)

    @property
    def well(self) -> bool:
        """Whether every scenario was compared, and nothing was removed or retyped."""
        return all(scenario.outcome.well for scenario in self.scenarios)


def print_scenario(adapter: str, drift: ScenarioDrift, console: Console) -> None:
    """Print what became of one scenario."""
    problem = f": {escape(drift.problem)}" if drift.problem else ""
    lines = [f"{_SHOWN[drift.outcome]} {adapter} {drift.scenario}{problem}", *_lines(drift)]
    for line in lines:
        console.print(line, soft_wrap=True, highlight=False)


def print_conclusion(report: DriftReport, console: Console) -> None:
    """Print what may be the reasons, what the SDKs' models say, and the sum."""
    for adapter in report.adapters:
        for line in (*_circumstances(adapter), *_sdk_lines(adapter)):
            console.print(line, soft_wrap=True, highlight=False)
    console.print(f"\n{_sum(report)}", soft_wrap=True, highlight=False)


def _lines(drift: ScenarioDrift) -> Iterator[str]:
    """A line for each change, but one for all of a kind that lie beneath each other."""
    beneath = {
        (status, kind): topmost(
            one.change.path
            for one in drift.changes
            if (one.status, one.change.kind) == (status, kind)
        )
        for status, kind in {(one.status, one.change.kind) for one in drift.changes}
    }
    for one in drift.changes:
        more = beneath[one.status, one.change.kind].get(one.change.path)
        if more is not None:
            style = "red" if one.change.hard else "yellow"
            where = f"{one.status} " if one.status else ""
            yield (
                f"           [{style}]{one.change.kind:8}[/] {where}"
                f"{escape(spelled(one.change.path))}: {_types(one.change)}{_beneath(more)}"
            )


def _types(change: Change) -> str:
    old, new = spelled_types(change.old), spelled_types(change.new)
    if not change.old:
        return new
    return f"{old} -> {new}" if change.new else f"was {old}"


def _beneath(count: int) -> str:
    return f", and {count} beneath it" if count else ""


def _circumstances(adapter: AdapterDrift) -> Iterator[str]:
    told = dict.fromkeys(
        (name, *pair)
        for scenario in adapter.scenarios
        for name, pair in scenario.circumstances.items()
    )
    for name, old, new in told:
        yield f"\n[bold]{adapter.name}[/]: another {name}: {escape(old)} -> {escape(new)}"


def _sdk_lines(adapter: AdapterDrift) -> Iterator[str]:
    by_model: defaultdict[str, list[SdkView]] = defaultdict(list)
    for scenario in adapter.scenarios:
        for view in scenario.sdk:
            by_model[view.model.name].append(view)
    for name, views in by_model.items():
        yield f"\n[bold]{adapter.name}[/]: the new recordings and the SDK's {name}"
        yield from _view_lines(views[0].model, views)


def _view_lines(model: SdkModel, views: list[SdkView]) -> Iterator[str]:
    if model.schema is None:
        yield f"  {escape(model.problem)}"
        return
    found = _gathered(views)
    if not found:
        yield "  they agree"
    for kind, said in _SAID.items():
        beneath = topmost(path for of, path in found if of == kind)
        for path, more in beneath.items():
            several = found[kind, path]
            new = ", which is new" if any(one.newly for one in several) else ""
            yield (
                f"  {said} {escape(spelled(path))}{_expectation([one.finding for one in several])}"
                f"{_beneath(more)}{new} [dim]({len(several)} of {len(views)} recordings)[/]"
            )


def _gathered(views: list[SdkView]) -> dict[tuple[FindingKind, Path], list[SdkFinding]]:
    """The findings of several recordings, by what is the same in them."""
    gathered: defaultdict[tuple[FindingKind, Path], list[SdkFinding]] = defaultdict(list)
    for view in views:
        for one in view.findings:
            gathered[one.finding.kind, one.finding.path].append(one)
    return dict(gathered)


def _expectation(several: list[Finding]) -> str:
    seen = spelled_types(frozenset[str]().union(*(one.seen for one in several)))
    expected = spelled_types(several[0].expected)
    match several[0].kind:
        case "unknown":
            return f": {seen}"
        case "lacking":
            return f": {expected}, and it is not there"
        case "mistyped":
            return f": {expected}, and {seen} was seen"


def _sum(report: DriftReport) -> str:
    scenarios = report.scenarios
    well = sum(scenario.outcome.well for scenario in scenarios)
    if well == len(scenarios):
        return f"[green]no drift[/]: nothing was removed or retyped (scenarios compared: {well})"
    return (
        f"[bold red]{len(scenarios) - well} of {len(scenarios)} scenarios[/] drifted or could not "
        "be compared; `tck record` makes their recordings anew"
    )


def drift_to_json(report: DriftReport) -> str:
    """The report as the text of a JSON file."""
    document = {
        "kit": {"version": __version__},
        "adapters": [
            {"name": adapter.name, "scenarios": [_scenario(one) for one in adapter.scenarios]}
            for adapter in report.adapters
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _scenario(drift: ScenarioDrift) -> dict[str, Any]:
    return {
        "name": drift.scenario,
        "outcome": drift.outcome,
        "problem": drift.problem,
        "changes": [_change(one) for one in drift.changes],
        "circumstances": {
            name: {"old": old, "new": new} for name, (old, new) in drift.circumstances.items()
        },
        "sdk": [_view(view) for view in drift.sdk],
    }


def _change(one: StatusChange) -> dict[str, Any]:
    return {
        "change": one.change.kind,
        "status": one.status,
        "path": spelled(one.change.path),
        "old": sorted(one.change.old),
        "new": sorted(one.change.new),
    }


def _view(view: SdkView) -> dict[str, Any]:
    return {
        "model": view.model.name,
        "problem": view.model.problem,
        "findings": [
            {
                "finding": one.finding.kind,
                "path": spelled(one.finding.path),
                "seen": sorted(one.finding.seen),
                "expected": sorted(one.finding.expected),
                "newly": one.newly,
            }
            for one in view.findings
        ],
    }
