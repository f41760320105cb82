"""``tck explain``: say all about a requirement."""

from __future__ import annotations

import argparse
import difflib
import re

from rich.console import Console

from tck.catalogue import requirements
from tck.checks import CHECKS
from tck.commands.common import UsageError
from tck.commands.statuses import OK
from tck.report.page import Page, listed
from tck.report.texts import printable, shortened

_MOST_MATCHES = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="such as CHAT-10")


def execute(options: argparse.Namespace) -> int:
    requirement = requirements().get(options.id.strip().upper())
    if requirement is None:
        raise UsageError(_unknown(options.id))
    rows = {
        "id": requirement.id,
        "title": requirement.title,
        "tier": f"{requirement.tier}, {requirement.level.upper()}",
        "capability": requirement.capability,
        "requirement": requirement.text,
        "source": requirement.source,
        "look at first": requirement.look_at,
        "evidence": ", ".join(CHECKS[requirement.id].evidence),
    }
    if requirement.limit:
        rows["limit"] = f"limits={{{requirement.limit!r}: …}} exempts, after a check"
    page = Page(Console())
    width = max(map(len, rows)) + 2
    for label, text in rows.items():
        page.line(text, lead=label.ljust(width))
    return OK


def _unknown(asked: str) -> str:
    """One sentence, with the requirements that may have been meant."""
    shown = printable(shortened(repr(asked), 60))
    near = _near(asked.strip().upper())
    meant = f" (did you mean {near}?)" if near else ""
    return f"there is no requirement {shown}{meant}: `tck list` shows them all"


def _near(wanted: str) -> str:
    """The ids that are like what was asked for, or whose titles have it."""
    ids = list(requirements())
    spelled = re.fullmatch(r"([A-Z]+)[\W_]*(\d*)", wanted, re.ASCII)
    if spelled:
        area = [name for name in ids if name.startswith(f"{spelled[1]}-")]
        number = spelled[2].lstrip("0")
        numbered = [name for name in area if name.partition("-")[2].lstrip("0") == number]
        if area:
            return numbered[0] if numbered else listed(area, ids)
    titled = [
        one.id for one in requirements().values() if len(wanted) > 2 and wanted in one.title.upper()
    ]
    close = difflib.get_close_matches(wanted, ids, n=_MOST_MATCHES, cutoff=0.7)
    return ", ".join((titled or close)[:_MOST_MATCHES])
