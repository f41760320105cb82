"""``tck list``: list the bundled adapters and the requirements."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from rich.console import Console

from tck import __version__
from tck.bundled import BUNDLED, is_installed
from tck.catalogue import EDITION, requirements
from tck.checks import CHECKS
from tck.commands.statuses import OK
from tck.report.page import Column, Page
from tck.report.reference import reference_page

_NARROWEST_TITLE = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument(
        "--markdown", action="store_true", help="write the reference page of all requirements"
    )
    forms.add_argument("--json", action="store_true", help="write the same as JSON")


def execute(options: argparse.Namespace) -> int:
    if options.markdown:
        sys.stdout.write(reference_page())
    elif options.json:
        sys.stdout.write(_json())
    else:
        _print(Page(Console()))
    return OK


def _json() -> str:
    document = {
        "format": "tck-list/1",
        "kit": {"version": __version__, "catalogue": EDITION},
        "adapters": [{"name": name, "installed": is_installed(name)} for name in BUNDLED],
        "requirements": [
            {**asdict(one), "evidence": list(CHECKS[one.id].evidence)}
            for one in requirements().values()
        ],
    }
    # Whatever encoding standard output has.
    return json.dumps(document, indent=2) + "\n"


def _print(page: Page) -> None:
    for name in BUNDLED:
        state = "" if is_installed(name) else " (its SDK is not installed)"
        page.line(f"bundled adapter: {name}{state}", hang=2)
    page.blank()
    rows = [
        (
            one.id,
            one.tier,
            one.level.upper(),
            ", ".join(CHECKS[one.id].evidence),
            one.title,
        )
        for one in requirements().values()
    ]
    heads = ("id", "tier", "level", "evidence", "requirement")
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    gap = 2
    if sum(widths) + gap * (len(widths) - 1) > page.width:
        gap = 1
        # Several kinds of evidence stand below each other.
        widths[3] = max(len(kind) + 1 for row in rows for kind in row[3].split(", "))
        widths[4] = min(widths[4], page.width - sum(widths[:4]) - gap * 4)
        widths[4] = max(widths[4], _NARROWEST_TITLE)
    columns = [Column(head, width) for head, width in zip(heads, widths, strict=True)]
    page.table(columns, rows, gap)
