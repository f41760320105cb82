"""``tck record``: record real providers' responses."""

from __future__ import annotations

import argparse
import asyncio

from rich.console import Console

from tck.commands.common import add_adapters
from tck.commands.statuses import NOT_REACHED, OK
from tck.report.record import print_step
from tck.run.recording import record_adapters
from tck.run.targets import load_targets


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_adapters(parser)
    parser.add_argument("-k", dest="only", metavar="SCENARIO", help="only scenarios with this name")
    parser.add_argument(
        "--provider",
        choices=["local", "hosted"],
        help="which provider is recorded; default: the hosted one of an adapter whose key is set, "
        "else the local model",
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="let the local model replace recordings of a hosted provider",
    )


def execute(options: argparse.Namespace) -> int:
    targets = load_targets(options.adapters)
    console = Console()
    recorded = record_adapters(
        targets,
        options.only,
        lambda step: print_step(step, console),
        kind=options.provider,
        force=options.force,
    )
    return OK if asyncio.run(recorded) else NOT_REACHED
