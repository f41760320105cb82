"""Linting what is named on the command line: adapters, folders and files of cassettes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from tck import __version__
from tck.bundled import BUNDLED
from tck.cassettes.lint import Finding, lint_file, lint_folder
from tck.cassettes.scenarios import scenarios_of
from tck.cassettes.secrets import live_values
from tck.catalogue import requirements
from tck.grading import Outcome
from tck.run.assessment import assess
from tck.run.recording import recordable
from tck.run.targets import Target, TargetError, load_targets
from tck.verdicts import KitError
from tck.wire.dialects.model import is_recorded


@dataclass(frozen=True)
class LintReport:
    """All that one run of `tck lint` has found."""

    files: int
    """How many cassettes were read."""
    findings: tuple[Finding, ...]

    def is_clean(self, *, strict: bool) -> bool:
        """Whether there is no error; with ``strict``, no warning either."""
        return not any(strict or finding.level == "error" for finding in self.findings)


def lint(spelled: Sequence[str]) -> LintReport:
    """Lint cassettes.

    Args:
        spelled: files, folders that are searched through and through, names of bundled
            adapters, or ``module:attribute``; none means all bundled adapters whose SDK is
            installed. Of an adapter, what is missing and what it does not use is told too.

    Raises:
        TargetError: there is no such thing, or no cassette in it.
    """
    adapters = [one for one in spelled if one in BUNDLED or (":" in one and not _exists(one))]
    paths = [Path(one) for one in spelled if one not in adapters]
    targets = load_targets(adapters) if adapters or not spelled else []
    recorded = [target for target in targets if target.dialect is not None]
    folders = [Path(recordable(target)) for target in recorded]
    files = list(dict.fromkeys(_files([*paths, *folders], optional=folders)))
    live, today = live_values([]), datetime.now(UTC).date()
    findings = [finding for path in files for finding in lint_file(path, live, today)]
    for target, folder in zip(recorded, folders, strict=True):
        expected = scenarios_of(target.adapter, target.capabilities)
        # Such a dialect knows no requests but those recorded.
        known = None if is_recorded(target.dialect) else target.dialect
        findings += lint_folder(folder, expected, known)
        if not any(finding.file.parent == folder for finding in findings):
            findings += _unused(target, folder)
    return LintReport(len(files), tuple(findings))


def _exists(spelled: str) -> bool:
    return Path(spelled).exists()


def _files(paths: Iterable[Path], optional: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            found = sorted(path.rglob("*.json"))
            if not found and path not in optional:
                raise TargetError(f"there is no cassette in the folder {path}")
            yield from found
        elif path.exists():
            yield path
        elif path not in optional:
            raise TargetError(f"there is no file, folder or bundled adapter {str(path)!r}")


def _unused(target: Target, folder: Path) -> Iterator[Finding]:
    """Whether the adapter asks for all that is recorded, which only replaying tells."""
    result = assess(target, requirements()["REC-05"])
    if result.kit_fault:
        raise KitError(result.detail)
    if result.outcome is Outcome.FAILED and result.finding is not None:
        yield Finding(folder, "unused", result.finding.seen)


def print_lint(report: LintReport, console: Console) -> None:
    """Print every finding in a line of its own, and the sum."""
    for finding in report.findings:
        style = "red" if finding.level == "error" else "yellow"
        line = (
            f"{escape(str(finding.file))}: [{style}]{finding.level}[/] "
            f"[bold]{finding.rule}[/]: {escape(finding.message)}"
        )
        console.print(line, soft_wrap=True, highlight=False)
    errors = sum(finding.level == "error" for finding in report.findings)
    warnings = len(report.findings) - errors
    console.print(
        f"{_counted(report.files, 'cassette')}: {_counted(errors, 'error')}, "
        f"{_counted(warnings, 'warning')}",
        highlight=False,
    )


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def lint_to_json(report: LintReport) -> str:
    """The report as JSON: ``{"kit", "files", "findings": [{"file", "rule", "level", …}]}``."""
    content = {
        "kit": {"version": __version__},
        "files": report.files,
        "findings": [
            {
                "file": str(finding.file),
                "rule": finding.rule,
                "level": finding.level,
                "message": finding.message,
            }
            for finding in report.findings
        ],
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
