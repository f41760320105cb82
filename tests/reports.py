"""Reports made by hand, for the tests of reporters."""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import get_args

from rich.console import Console

from tck.catalogue import Capability, denominator, requirements
from tck.grading import Outcome, Result
from tck.report.console import print_report
from tck.report.model import AdapterReport, Declaration, Environment, Report, report_on
from tck.verdicts import Exchange, Finding

EVERYTHING: tuple[Capability, ...] = tuple(sorted(get_args(Capability)))
WIRED: tuple[Capability, ...] = ("chat", "errors", "recordings")
"""What a small adapter declares."""
FINDING = Finding(
    expected="content of a reply without text = ''",
    seen="content of a reply without text = None",
    look_at="what the adapter does when the reply's text is null, empty or missing",
    place="acme/adapters.py:12",
    trace="Traceback (most recent call last):\n  boom\nValueError: boom",
    exchange=Exchange("POST", "/v1/chat/completions", '{"model": "m"}', 200, '{"choices": []}'),
)


def result(name: str, outcome: Outcome, finding: Finding = FINDING, **more: object) -> Result:
    """A result with what belongs to its outcome."""
    unmet = not outcome.fine
    reason = "" if unmet or outcome is Outcome.PASSED else "a reason"
    made = Result(requirements()[name], outcome, ("scripted",), finding if unmet else None, reason)
    return replace(made, **more)  # type: ignore[arg-type]


def adapter(
    name: str = "acme",
    outcomes: Mapping[str, Outcome | Result] | None = None,
    capabilities: tuple[Capability, ...] = EVERYTHING,
    **more: object,
) -> AdapterReport:
    """An adapter of which everything passed but what ``outcomes`` says."""
    declaration = Declaration(name, capabilities, "acme/large", None, "openai", {})
    found: dict[str, Result] = {}
    for one in denominator(capabilities):
        said = (outcomes or {}).get(one.id, Outcome.PASSED)
        found[one.id] = said if isinstance(said, Result) else result(one.id, said)
    target = f"acme.adapters:{name}"
    return report_on(target, declaration, found, **more)  # type: ignore[arg-type]


def report(*adapters: AdapterReport, **more: object) -> Report:
    environment = Environment("3.11.7", "Linux", {"openai": "3.57.0"}, 2)
    return Report(adapters, environment, **more)  # type: ignore[arg-type]


def printed(
    report: Report,
    width: int = 80,
    *,
    terminal: bool = False,
    encoding: str = "utf-8",
    verbose: bool = False,
    told: Collection[tuple[str, str]] = (),
) -> str:
    """What `print_report` writes, as text."""
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, newline="")
    console = Console(
        file=file,
        width=width,
        force_terminal=terminal,
        color_system=None,
        legacy_windows=False,
        _environ={},
    )
    print_report(report, console, verbose=verbose, told=told)
    file.flush()
    return raw.getvalue().decode(encoding)


def unloaded(target: str) -> AdapterReport:
    """An adapter that could not be loaded."""
    finding = Finding("an adapter that loads", "it raised ImportError", "the import", "not-loaded")
    results = {name: result(name, Outcome.NOT_VERIFIED, finding) for name in requirements()}
    return report_on(target, None, results)
