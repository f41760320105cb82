"""``tck run``: grade adapters."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console

from tck.commands.common import (
    KIT_FAILED,
    NOT_REACHED,
    OK,
    add_adapters,
    refuse_folderless,
    write_file,
)
from tck.report.console import print_report
from tck.report.json import to_json
from tck.run.standalone import graded
from tck.run.targets import load_targets
from tck.wire.guard import NetworkGuard

HELP = "grade adapters"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_adapters(parser)
    parser.add_argument("--tier", choices=["bronze", "silver"], help="what each adapter must reach")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report as JSON")
    parser.add_argument(
        "--junitxml", type=Path, metavar="FILE", help="write the report as JUnit XML"
    )
    parser.add_argument(
        "--fuzz", type=int, metavar="N", help="made-up texts in each fuzzed check; default: 40"
    )
    parser.add_argument("-k", dest="only", metavar="EXPR", help="check only these; gives no grade")


def execute(options: argparse.Namespace) -> int:
    refuse_folderless(options.json, options.junitxml)
    with NetworkGuard():
        # Before pytest starts, for the exit status; and what a module contacts when it is
        # imported, it contacts only now.
        targets = load_targets(options.adapters, options.fuzz)
        report = graded(
            targets, only=options.only, examples=options.fuzz, junitxml=options.junitxml
        )
    console = Console()
    if report is None:
        print("tck: the run broke off, and there is no report", file=sys.stderr)  # noqa: T201
        return KIT_FAILED
    print_report(report, console)
    write_file(options.json, to_json(report))
    if report.kit_faults:
        return KIT_FAILED
    reached = all(adapter.reaches(options.tier) for adapter in report.adapters)
    return OK if reached else NOT_REACHED
