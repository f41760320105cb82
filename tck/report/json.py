"""The report as JSON, for machines."""

from __future__ import annotations

import json
from typing import Any

from tck.grading import Result
from tck.report.model import Report


def to_json(report: Report) -> str:
    """The report as the text of a JSON file."""
    document = {
        "kit": {"version": report.version, "catalogue": report.catalogue},
        "adapters": [
            {
                "name": adapter.name,
                "grade": adapter.grade,
                "contacted": list(adapter.contacted),
                "requirements": [_requirement(result) for result in adapter.results],
            }
            for adapter in report.adapters
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _requirement(result: Result) -> dict[str, Any]:
    requirement = result.requirement
    return {
        "id": requirement.id,
        "tier": requirement.tier,
        "level": requirement.level,
        "capability": requirement.capability,
        "outcome": result.outcome,
        "evidence": list(result.evidence),
        "finding": None if result.finding is None else result.finding.as_data(),
        "reason": result.reason,
    }
