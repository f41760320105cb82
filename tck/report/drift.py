"""The report of `tck drift`: what it says in a terminal, and as JSON."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.markup import escape

from tck import __version__
from tck.drift.model import (
    AdapterDrift,
    DriftOutcome,
    DriftReport,
    ScenarioDrift,
    SdkDisagreement,
    SdkModel,
    SdkView,
    StatusChange,
)
from tck.drift.schemas import Disagreement, DisagreementKind
from tck.drift.shapes import Change, Path, path_text, topmost, types_text

_SHOWN = {
    DriftOutcome.SAME: "[green]same[/]    ",
    DriftOutcome.CHANGED: "[yellow]changed[/] ",
    DriftOutcome.DRIFTED: "[bold red]DRIFTED[/] ",
    DriftOutcome.NOT_RECORDED: "[bold red]FAILED[/]  ",
    DriftOutcome.NO_OLD: "[bold yellow]UNKNOWN[/] ",
    DriftOutcome.DAMAGED: "[bold red]DAMAGED[/] ",
}
_SAID: dict[DisagreementKind, str] = {
    "unknown": "it does not know",
    "lacking": "it requires",
    "mistyped": "it has another type for",
}


def print_scenario(adapter: str, drift: ScenarioDrift, console: Console) -> None:
    """Print what was found for one scenario."""
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
    """A line for each change; changes of one kind beneath it are only counted."""
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
                f"{escape(path_text(one.change.path))}: {_types(one.change)}{_beneath(more)}"
            )


def _types(change: Change) -> str:
    old, new = types_text(change.old), types_text(change.new)
    if not change.old:
        return new
    return f"{old} -> {new}" if change.new else f"was {old}"


def _beneath(count: int) -> str:
    return f", and {count} beneath it" if count else ""


def _circumstances(adapter: AdapterDrift) -> Iterator[str]:
    changed = dict.fromkeys(
        (name, *pair)
        for scenario in adapter.scenarios
        for name, pair in scenario.circumstances.items()
    )
    for name, old, new in changed:
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
            expected = _expectation([one.disagreement for one in several])
            yield (
                f"  {said} {escape(path_text(path))}{expected}{_beneath(more)}{new} "
                f"[dim]({len(several)} of {len(views)} recordings)[/]"
            )


def _gathered(views: list[SdkView]) -> dict[tuple[DisagreementKind, Path], list[SdkDisagreement]]:
    """The disagreements of several recordings, by kind and path."""
    gathered: defaultdict[tuple[DisagreementKind, Path], list[SdkDisagreement]] = defaultdict(list)
    for view in views:
        for one in view.disagreements:
            gathered[one.disagreement.kind, one.disagreement.path].append(one)
    return dict(gathered)


def _expectation(several: list[Disagreement]) -> str:
    seen = types_text(frozenset[str]().union(*(one.seen for one in several)))
    expected = types_text(several[0].expected)
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
        "path": path_text(one.change.path),
        "old": sorted(one.change.old),
        "new": sorted(one.change.new),
    }


def _view(view: SdkView) -> dict[str, Any]:
    return {
        "model": view.model.name,
        "problem": view.model.problem,
        "findings": [
            {
                "finding": one.disagreement.kind,
                "path": path_text(one.disagreement.path),
                "seen": sorted(one.disagreement.seen),
                "expected": sorted(one.disagreement.expected),
                "newly": one.newly,
            }
            for one in view.disagreements
        ],
    }
