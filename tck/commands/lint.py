"""``tck lint``: look for what is wrong with recordings."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from tck.commands.common import CASSETTES, refuse_folderless, write_file
from tck.commands.statuses import NOT_REACHED, OK
from tck.report.lint import lint_to_json, print_lint
from tck.run.linting import lint

DESCRIPTION = (
    "Look for secrets, cut or edited files, recordings of unknown or changed scenarios, and old "
    "ones; for an adapter also for missing recordings, and unused ones. Exit status: 0 no "
    "errors, 1 some, 2 the command was wrong, 3 the kit failed."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = DESCRIPTION
    parser.add_argument(
        "cassettes",
        nargs="*",
        metavar="CASSETTES",
        help=f"{CASSETTES}; none means all bundled adapters",
    )
    parser.add_argument("--strict", action="store_true", help="count warnings (age) as errors")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was found as JSON")


def execute(options: argparse.Namespace) -> int:
    refuse_folderless(options.json)
    report = lint(options.cassettes)
    print_lint(report, Console())
    write_file(options.json, lint_to_json(report))
    return OK if report.is_clean(strict=options.strict) else NOT_REACHED
