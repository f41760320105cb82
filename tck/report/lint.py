"""The report of `tck lint`: what it says in a terminal, and as JSON."""

from __future__ import annotations

import json

from rich.console import Console
from rich.markup import escape

from tck import __version__
from tck.cassettes.lint import LintReport


def print_lint(report: LintReport, console: Console) -> None:
    """Print every problem in a line of its own, and the counts."""
    for problem in report.problems:
        style = "red" if problem.level == "error" else "yellow"
        line = (
            f"{escape(str(problem.file))}: [{style}]{problem.level}[/] "
            f"[bold]{problem.rule}[/]: {escape(problem.message)}"
        )
        console.print(line, soft_wrap=True, highlight=False)
    errors = sum(problem.level == "error" for problem in report.problems)
    warnings = len(report.problems) - errors
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
                "file": str(problem.file),
                "rule": problem.rule,
                "level": problem.level,
                "message": problem.message,
            }
            for problem in report.problems
        ],
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
