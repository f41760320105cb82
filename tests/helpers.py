"""What several tests need."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from tck.adapter import AdapterUnderTest, error_classes
from tck.report.json import digest, schema
from tck.run.targets import Target, capabilities, dialect_of, is_extractor

REPOSITORY = Path(__file__).parent.parent


def target_of(adapter: AdapterUnderTest) -> Target:
    """An adapter as the command line would have loaded it."""
    return Target(
        argument=f"tests:{adapter.name}",
        adapter=adapter,
        dialect=dialect_of(f"tests:{adapter.name}", adapter),
        errors=error_classes(adapter),
        capabilities=capabilities(adapter, extracts=is_extractor(adapter)),
    )


def valid_report(text: str) -> dict[str, Any]:
    """A report of `tck run`, which keeps to its schema."""
    report: dict[str, Any] = json.loads(text)
    Draft202012Validator(schema()).validate(report)
    assert report["digest"] == digest(report)
    return report


def strings_of(value: Any) -> list[str]:
    """Every key and string in a JSON value."""
    if isinstance(value, dict):
        return [*value, *(string for inner in value.values() for string in strings_of(inner))]
    if isinstance(value, list):
        return [string for inner in value for string in strings_of(inner)]
    return [value] if isinstance(value, str) else []
