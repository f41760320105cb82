"""``tck record``: record real providers' responses."""

from __future__ import annotations

import argparse
import asyncio

from rich.console import Console

from tck.commands.common import add_adapters
from tck.run.recording import record_targets
from tck.run.targets import load_targets


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_adapters(parser)
    parser.add_argument("-k", dest="only", metavar="SCENARIO", help="only scenarios with this name")
    parser.add_argument(
        "--provider",
        choices=["local", "hosted"],
        help="who is recorded; default: the hosted provider of an adapter whose key is set, else "
        "the local model",
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="let the local model replace recordings of a hosted provider",
    )


def execute(options: argparse.Namespace) -> int:
    targets = load_targets(options.adapters)
    recorded = record_targets(
        targets, options.only, Console(), kind=options.provider, force=options.force
    )
    return asyncio.run(recorded)
