"""The report as a table in a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from tck.catalogue import requirements
from tck.grading import Grade, Outcome, Result
from tck.report.model import NOT_RUN, AdapterReport, Report

_SHOWN = {
    Outcome.PASSED: ("passed", "green"),
    Outcome.FAILED: ("FAILED", "bold red"),
    Outcome.EXEMPT: ("exempt", "green"),
    Outcome.NOT_APPLICABLE: ("n/a", "dim"),
    Outcome.NOT_VERIFIED: ("UNVERIFIED", "bold yellow"),
}
_GRADE_STYLE = {Grade.NONE: "bold red", Grade.BRONZE: "bold yellow", Grade.SILVER: "bold white"}
_UNEXPLAINED = {Outcome.FAILED, Outcome.NOT_VERIFIED}


def print_report(report: Report, console: Console) -> None:
    """Print the table of outcomes, then every finding, then the grades."""
    console.print(_table(report))
    for adapter in report.adapters:
        for line in _findings(adapter):
            console.print(line, soft_wrap=True, highlight=False)
    console.print()
    for adapter in report.adapters:
        style = _GRADE_STYLE[adapter.grade]
        console.print(
            f"[bold]{adapter.name}[/]: [{style}]{adapter.grade}[/]{escape(_why(adapter))}",
            soft_wrap=True,
            highlight=False,
        )


def _table(report: Report) -> Table:
    table = Table(
        title=f"llm-provider-tck {report.version}, catalogue: {report.catalogue}",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    table.add_column("id", no_wrap=True)
    table.add_column("requirement")
    table.add_column("tier", no_wrap=True)
    table.add_column("level", no_wrap=True)
    for adapter in report.adapters:
        table.add_column(adapter.name, no_wrap=True)
    by_adapter = [{result.requirement.id: result for result in a.results} for a in report.adapters]
    for requirement in requirements().values():
        row = [results.get(requirement.id) for results in by_adapter]
        if any(row):
            table.add_row(
                requirement.id,
                requirement.title,
                requirement.tier,
                requirement.level.upper(),
                *[_cell(result) for result in row],
            )
    return table


def _cell(result: Result | None) -> Text:
    if result is None:
        return Text("-", style="dim")
    text, style = _SHOWN[result.outcome]
    return Text(text, style=style)


def _findings(adapter: AdapterReport) -> Iterator[str]:
    for host in adapter.contacted:
        yield f"\n[bold red]{adapter.name}[/]: {escape(host)} was tried while no check ran"
    not_run = [
        result for result in adapter.results if result.finding and result.finding.cause == NOT_RUN
    ]
    for result in adapter.results:
        if result.outcome not in _UNEXPLAINED or result in not_run:
            continue
        text, style = _SHOWN[result.outcome]
        requirement = result.requirement
        yield (
            f"\n[bold]{adapter.name} {requirement.id}[/] [{style}]{text}[/] "
            f"({requirement.level.upper()}: {escape(requirement.text)})"
        )
        for line in result.detail.splitlines():
            yield f"  {escape(line)}"
    if not_run:
        ids = ", ".join(result.requirement.id for result in not_run)
        yield f"\n[bold]{adapter.name}[/]: not run, and so [bold yellow]UNVERIFIED[/]: {ids}"


def _why(adapter: AdapterReport) -> str:
    if adapter.highest_tier is None:
        return " (nothing that it declares can be graded)"
    if adapter.contacted:
        return f" ({adapter.highest_tier} withheld: {', '.join(adapter.contacted)} was contacted)"
    if adapter.reaches(None):
        return ""
    ids = [result.requirement.id for result in adapter.withheld_by]
    shown = ", ".join(ids[:8]) + (f" and {len(ids) - 8} more" if len(ids) > 8 else "")
    return f" ({adapter.highest_tier} withheld by {shown or 'nothing having passed'})"
