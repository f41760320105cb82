"""Linting the cassettes that are named on the command line, and the adapters that use them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tck.cassettes.lint import LintProblem, LintReport, lint_file, lint_folder
from tck.cassettes.scenarios import scenarios_of
from tck.cassettes.secrets import live_values
from tck.catalogue import requirements
from tck.grading import Outcome
from tck.run.assessment import assess
from tck.run.cassette_files import files_in, find_cassettes, folder_of, is_adapter, unique
from tck.run.targets import Target, load_targets
from tck.verdicts import KitError
from tck.wire.dialects.model import is_recorded


def lint(arguments: Sequence[str]) -> LintReport:
    """Lint cassettes.

    Args:
        arguments: see `tck.run.cassette_files`; none means all bundled adapters whose SDK is
            installed. For an adapter, missing and unused recordings are reported too.

    Raises:
        TargetError: there is no such thing, or no cassette in it.
        KitError: the kit failed on an adapter.
    """
    adapters = [argument for argument in arguments if is_adapter(argument)]
    named = find_cassettes([argument for argument in arguments if argument not in adapters])
    targets = load_targets(adapters) if adapters or not arguments else []
    recorded = [target for target in targets if target.dialect is not None]
    folders = [folder_of(target) for target in recorded]
    # An adapter's folder may be empty: the missing recordings are reported one by one.
    files = unique([*named, *(file for folder in folders for file in files_in(folder))])
    live, today = live_values([]), datetime.now(UTC).date()
    problems = [problem for file in files for problem in lint_file(file.path, live, today)]
    for target, folder in zip(recorded, folders, strict=True):
        expected = scenarios_of(target.adapter, target.capabilities)
        # A recorded dialect knows no requests but those recorded.
        known = None if is_recorded(target.dialect) else target.dialect
        problems += lint_folder(folder, expected, known)
        if not any(problem.file.parent == folder for problem in problems):
            problems += _unused(target, folder)
    return LintReport(len(files), tuple(problems))


def _unused(target: Target, folder: Path) -> Iterator[LintProblem]:
    """Recordings that the adapter never asks for, which only replaying shows."""
    result = assess(target, requirements()["REC-05"])
    if result.kit_fault:
        raise KitError(result.detail)
    if result.outcome is Outcome.FAILED and result.finding is not None:
        yield LintProblem(folder, "unused", result.finding.seen)
