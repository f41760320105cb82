"""``tck drift``: compare new responses' shapes with the recordings."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from rich.console import Console

from tck.commands.common import add_adapters, refuse_folderless, write_file
from tck.commands.statuses import KIT_FAILED, NOT_REACHED, OK
from tck.report.drift import drift_to_json, print_conclusion, print_scenario
from tck.run.drifting import drift_of_adapters
from tck.run.targets import load_targets

DESCRIPTION = (
    "Record anew, into a temporary folder, and compare the shape of the responses (JSON path to "
    "JSON type) with that of the recordings and with the SDK's own models. Exit status: 0 nothing "
    "was removed or retyped; 1 something was, or a scenario could not be compared; 2 the command "
    "was wrong; 3 a recording is damaged, or the kit failed."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = DESCRIPTION
    add_adapters(parser)
    parser.add_argument("-k", dest="only", metavar="SCENARIO", help="only scenarios with this name")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was found as JSON")


def execute(options: argparse.Namespace) -> int:
    refuse_folderless(options.json)
    targets = load_targets(options.adapters)
    console = Console()
    report = asyncio.run(
        drift_of_adapters(
            targets, options.only, lambda name, drift: print_scenario(name, drift, console)
        )
    )
    print_conclusion(report, console)
    write_file(options.json, drift_to_json(report))
    if report.kit_failed:
        return KIT_FAILED
    return OK if report.well else NOT_REACHED
