"""``tck list``: list the bundled adapters and the requirements."""

from __future__ import annotations

import argparse
import sys

from rich.console import Console
from rich.table import Table

from tck.bundled import BUNDLED, is_installed
from tck.catalogue import requirements
from tck.checks import CHECKS
from tck.commands.statuses import OK
from tck.report.reference import reference_page


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--markdown", action="store_true", help="write the reference page of all requirements"
    )


def execute(options: argparse.Namespace) -> int:
    if options.markdown:
        sys.stdout.write(reference_page())
        return OK
    console = Console()
    for name in BUNDLED:
        state = "" if is_installed(name) else "(its SDK is not installed)"
        console.print(f"bundled adapter: {name} {state}".rstrip(), highlight=False)
    table = Table("id", "tier", "level", "evidence", "requirement")
    for requirement in requirements().values():
        table.add_row(
            requirement.id,
            requirement.tier,
            requirement.level.upper(),
            ", ".join(CHECKS[requirement.id].evidence),
            requirement.title,
        )
    console.print(table)
    return OK
