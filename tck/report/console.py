"""The report in a terminal: the table, each finding once, and what to do next."""

from __future__ import annotations

from collections.abc import Collection

from rich.console import Console

from tck.catalogue import requirements
from tck.grading import Result
from tck.report.model import NOT_RUN, AdapterReport, Grouped, Report
from tck.report.outcomes import print_outcomes
from tck.report.page import Page, Piece, listed
from tck.report.texts import LONGEST, shortened
from tck.report.words import GRADE_STYLES, ORDER, tally, word_for

_MOST_LINES = 20
"""Lines of one text of a finding that are shown."""
_LONGEST_TRACE = 4 * LONGEST
_MOST_IDS = 8
_MOST_OTHERS = 3


def print_report(
    report: Report,
    console: Console,
    *,
    verbose: bool = False,
    told: Collection[tuple[str, str]] = frozenset(),
) -> None:
    """Print the outcomes, then every finding, then the grades and what withholds them.

    Args:
        report: only what was asked for of it is shown.
        console: where to. Findings are wrapped where it is a terminal or ``COLUMNS`` is set.
        verbose: whether to show tracebacks, and requests with their replies.
        told: target and id of what was printed elsewhere, and is not told again.
    """
    page = Page(console)
    if report.interrupted:
        page.line(("interrupted", "bold red"), ": this is what was found so far")
    if report.selection is not None:
        page.line(f"selected: {report.selection}", hang=2)
    page.line((f"llm-provider-tck {report.version}, catalogue: {report.catalogue}", "bold"))
    page.blank()
    print_outcomes(report, page)
    page.blank()
    for adapter in report.adapters:
        _print_counts(adapter, page)
    for adapter in report.adapters:
        _print_findings(adapter, page, verbose, told)
    page.blank()
    for adapter in report.adapters:
        _print_standing(report, adapter, page)
    _print_what_next(report, page, verbose)


def _print_counts(adapter: AdapterReport, page: Page) -> None:
    pieces: list[Piece] = [(page.fit(adapter.name), "bold"), " "]
    for number, (word, count) in enumerate(tally(adapter.shown)):
        pieces += [", " if number else "", (f"{count} {word.full}", word.style)]
    page.line(*pieces, hang=2)


def _print_findings(
    adapter: AdapterReport, page: Page, verbose: bool, told: Collection[tuple[str, str]]
) -> None:
    name = (page.fit(adapter.name), "bold")
    for host in adapter.contacted:
        page.blank()
        page.line(name, f": {shortened(host)} was tried while no check ran", hang=2)
    for group in _worst_first(adapter):
        if group.cause == NOT_RUN:
            page.blank()
            ids = listed(group.ids, list(requirements()))
            page.line(name, ": not run, and so ", ("UNVERIFIED", "magenta"), f": {ids}", hang=2)
            continue
        known = [one for one in group.ids if (adapter.target, one) in told]
        if len(known) == len(group.ids):
            continue
        page.blank()
        if known:
            ids = listed([one for one in group.ids if one not in known], list(requirements()))
            page.line(name, f" {ids}: for the same cause as {known[0]}, told above", hang=2)
        else:
            _print_finding(adapter, group, page, verbose)


def _print_finding(adapter: AdapterReport, group: Grouped, page: Page, verbose: bool) -> None:
    _print_head(adapter, group, page)
    found = group.finding
    for label, text in (("expected", found.expected), ("seen", found.seen)):
        _print_text(label, text, page)
    others = list(group.others_seen.items())
    for name, seen in others[:_MOST_OTHERS]:
        _print_text(f"seen in {name}", seen, page)
    if len(others) > _MOST_OTHERS:
        page.line(f"and {len(others) - _MOST_OTHERS} more of the kind", indent=2)
    _print_text("look at", found.look_at, page)
    if found.place:
        _print_text("at", found.place, page)
    if len(group.ids) > 1:
        _print_withheld(adapter, group, page)
    if verbose:
        _print_more(group, page)


def _print_head(adapter: AdapterReport, group: Grouped, page: Page) -> None:
    first = group.results[0]
    requirement, word = first.requirement, word_for(first)
    pieces: list[Piece] = [
        (f"{page.fit(adapter.name)} {requirement.id}", "bold"),
        " ",
        (word.full, word.style),
    ]
    if group.kit_fault:
        pieces.append(" (the kit failed, not the adapter)")
    if len(group.ids) > 1:
        pieces.append(f", and {len(group.ids) - 1} more for the same cause")
    elif not group.kit_fault:
        pieces.append(f" ({requirement.level.upper()}: {requirement.text})")
    page.line(*pieces, hang=2)


def _print_withheld(adapter: AdapterReport, group: Grouped, page: Page) -> None:
    order = list(requirements())
    if len(group.ids) == len(adapter.shown):
        page.line(f"withholds: all of {listed(group.ids, order)}", indent=2, hang=2)
        return
    shoulds = [one for one in group.ids if one not in group.withholds]
    for label, ids in (("withholds", group.withholds), ("advice on", shoulds)):
        if ids:
            page.line(listed(ids, order), lead=f"{label}: ", indent=2)


def _print_text(label: str, text: str, page: Page) -> None:
    """A text of a finding, whose further lines cannot pass for lines of the report."""
    lines = shortened(text).split("\n")
    if len(lines) > _MOST_LINES:
        lines = [*lines[:_MOST_LINES], f"… and {len(lines) - _MOST_LINES} more lines"]
    page.line("\n".join(lines), lead=f"{label}: ", indent=2)


def _print_more(group: Grouped, page: Page) -> None:
    found = group.finding
    if found.exchange is not None:
        sent, status = found.exchange, found.exchange.status
        got = "none, the server hung up" if status is None else str(status)
        page.line(shortened(f"request: {sent.method} {sent.path}"), indent=2, hang=2)
        page.line(shortened(sent.request), indent=4)
        page.line(f"reply: {got}", indent=2)
        if sent.reply:
            page.line(shortened(sent.reply), indent=4)
    if found.trace:
        page.line("traceback:", indent=2)
        # The end says what was raised, and where.
        trace = found.trace.rstrip()
        cut = "…\n" if len(trace) > _LONGEST_TRACE else ""
        page.line(cut + trace[-_LONGEST_TRACE:], indent=4)


def _print_standing(report: Report, adapter: AdapterReport, page: Page) -> None:
    name = (page.fit(adapter.name), "bold")
    if adapter.partial:
        page.line(name, ": ", ("no grade", "bold"), f" ({_partly(report, adapter)})", hang=2)
        return
    grade = (str(adapter.grade), GRADE_STYLES[adapter.grade])
    page.line(name, ": ", grade, _why(adapter), hang=2)


def _partly(report: Report, adapter: AdapterReport) -> str:
    if report.interrupted:
        return "the run was interrupted"
    unmet = [one for one in adapter.shown if not one.outcome.fine]
    musts = [one for one in unmet if one.requirement.level == "must"]
    told = f"a part of the catalogue has none; of what was selected {_short(musts)} "
    if not musts:
        return "a part of the catalogue has none; every MUST that was selected is met"
    return told + ("is" if len(musts) == 1 else "are") + " not met"


def _why(adapter: AdapterReport) -> str:
    if adapter.highest_tier is None:
        return " (nothing that it declares can be graded)"
    standing = adapter.next_tier
    if standing is None:
        return ""
    if standing.reason:
        return f" ({standing.tier} withheld: {shortened(standing.reason)})"
    return f" ({standing.tier} withheld by {_short(standing.withheld_by)})"


def _short(results: Collection[Result]) -> str:
    ids = [result.requirement.id for result in results]
    more = f" and {len(ids) - _MOST_IDS} more" if len(ids) > _MOST_IDS else ""
    return ", ".join(ids[:_MOST_IDS]) + more


def _print_what_next(report: Report, page: Page, verbose: bool) -> None:
    """The command that repeats the first finding of each adapter."""
    found = [
        (adapter, group.ids[0])
        for adapter in report.adapters
        for group in [one for one in _worst_first(adapter) if one.cause != NOT_RUN][:1]
    ]
    if not found:
        return
    page.blank()
    page.line("To see one finding again:" if len(found) == 1 else "To see findings again:")
    for adapter, name in found:
        page.command(("tck", "run", adapter.target, "-k", name), indent=2)
    if not verbose:
        page.line("Add -n 0 -v to debug it: in this process, with traceback and request.")


def _worst_first(adapter: AdapterReport) -> list[Grouped]:
    return sorted(adapter.findings, key=lambda one: ORDER.index(word_for(one.results[0])))
