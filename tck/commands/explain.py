"""``tck explain``: say all about a requirement."""

from __future__ import annotations

import argparse

from rich.console import Console
from rich.table import Table

from tck.catalogue import requirements
from tck.checks import CHECKS
from tck.commands.common import UsageError
from tck.commands.statuses import OK


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="such as CHAT-10")


def execute(options: argparse.Namespace) -> int:
    requirement = requirements().get(options.id.upper())
    if requirement is None:
        raise UsageError(f"there is no requirement {options.id!r}: `tck list` shows them all")
    console = Console()
    table = Table.grid(padding=(0, 2))
    table.add_row("id", requirement.id)
    table.add_row("tier", f"{requirement.tier}, {requirement.level.upper()}")
    table.add_row("capability", requirement.capability)
    table.add_row("requirement", requirement.text)
    table.add_row("source", requirement.source)
    table.add_row("look at first", requirement.look_at)
    if requirement.limit:
        table.add_row("limit", f"limits={{{requirement.limit!r}: …}} exempts, after a check")
    table.add_row("evidence", ", ".join(CHECKS[requirement.id].evidence))
    console.print(table)
    return OK
