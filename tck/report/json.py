"""The report as JSON, for machines."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from importlib.resources import files
from typing import Any

from tck.grading import Result
from tck.report.model import TIERS, AdapterReport, Report, Standing, counts
from tck.report.texts import without_surrogates

FORMAT = "tck-report/2"


def to_json(report: Report) -> str:
    """The report as the text of a JSON file."""
    return json.dumps(document(report), ensure_ascii=False, indent=2) + "\n"


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) that every report meets."""
    text = files(__package__).joinpath("tck-report-2.schema.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def document(report: Report) -> dict[str, Any]:
    """The report as the JSON file holds it, with its digest."""
    whole = {
        "format": FORMAT,
        "kit": {"version": report.version, "catalogue": report.catalogue},
        "environment": {
            "python": report.environment.python,
            "platform": report.environment.platform,
            "packages": dict(report.environment.packages),
            "workers": report.environment.workers,
        },
        "digest": "",
        "partial": _partial(report),
        "adapters": [_adapter(adapter) for adapter in report.adapters],
        "timings": {
            "total": round(report.seconds, 3),
            "adapters": {adapter.name: _timings(adapter) for adapter in report.adapters},
        },
    }
    clean: dict[str, Any] = _encodable(whole)
    clean["digest"] = digest(clean)
    return clean


def digest(document: dict[str, Any]) -> str:
    """What a report says, as ``sha256:`` and 64 hexadecimal digits.

    It covers the format, the edition of the catalogue, and of each adapter the grade, the
    declaration, and each requirement's id, outcome, evidence and cause. Two runs that found the
    same have the same digest, whatever the machine, the speed and the order of adapters.

    Args:
        document: what `document` returns, or what was read from a JSON file.
    """
    said = {
        "format": document["format"],
        "catalogue": document["kit"]["catalogue"],
        "adapters": sorted(map(_said, document["adapters"]), key=_canonical),
    }
    return "sha256:" + hashlib.sha256(_canonical(said).encode()).hexdigest()


def _said(adapter: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": adapter["name"],
        "grade": adapter["grade"],
        "declared": adapter["declared"],
        "requirements": [
            {
                "id": one["id"],
                "outcome": one["outcome"],
                "evidence": one["evidence"],
                "cause": one["finding"] and one["finding"]["cause"],
            }
            for one in adapter["requirements"]
        ],
    }


def _canonical(value: object) -> str:
    return json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":"))


def _partial(report: Report) -> dict[str, Any] | None:
    if not report.partial:
        return None
    return {"selection": report.selection, "interrupted": report.interrupted}


def _adapter(adapter: AdapterReport) -> dict[str, Any]:
    return {
        "name": adapter.name,
        "target": adapter.target,
        "grade": adapter.grade,
        "declared": _declared(adapter),
        "not_declared": list(adapter.not_declared),
        "tiers": {standing.tier: _standing(standing) for standing in map(adapter.standing, TIERS)},
        "counts": counts(adapter.results),
        "contacted": list(adapter.contacted),
        "selected": None if adapter.selected is None else _ids(adapter.shown),
        "requirements": [_requirement(result) for result in adapter.results],
    }


def _declared(adapter: AdapterReport) -> dict[str, Any] | None:
    declared = adapter.declaration
    if declared is None:
        return None
    return {
        "capabilities": sorted(declared.capabilities),
        "model": declared.model,
        "embedding_model": declared.embedding_model,
        "wire": declared.wire,
        "limits": dict(declared.limits),
    }


def _standing(standing: Standing) -> dict[str, Any]:
    return {
        "reached": standing.reached,
        "withheld_by": _ids(standing.withheld_by),
        "reason": standing.reason,
    }


def _requirement(result: Result) -> dict[str, Any]:
    requirement = result.requirement
    return {
        "id": requirement.id,
        "title": requirement.title,
        "tier": requirement.tier,
        "level": requirement.level,
        "capability": requirement.capability,
        "outcome": result.outcome,
        "evidence": list(result.evidence),
        "finding": None if result.finding is None else result.finding.as_data(),
        "reason": result.reason,
        "kit_fault": result.kit_fault,
    }


def _timings(adapter: AdapterReport) -> dict[str, Any]:
    return {
        "total": round(sum(adapter.seconds.values()), 3),
        "requirements": {name: round(took, 3) for name, took in sorted(adapter.seconds.items())},
    }


def _ids(results: Iterable[Result]) -> list[str]:
    return [result.requirement.id for result in results]


def _encodable(value: Any) -> Any:
    """Plain data without lone surrogates, which a file in UTF-8 cannot hold."""
    if isinstance(value, dict):
        return {_encodable(name): _encodable(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_encodable(inner) for inner in value]
    return without_surrogates(str(value)) if isinstance(value, str) else value
