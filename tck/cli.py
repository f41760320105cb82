"""The command ``tck``: reads its arguments, calls what does the work, prints."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tck.arguments import DISTRIBUTION, parser
from tck.bundled import BUNDLED, is_installed
from tck.cassettes.files import write_whole
from tck.catalogue import requirements
from tck.checks import CHECKS
from tck.drifting import drift_of_targets
from tck.linting import lint, lint_to_json, print_lint
from tck.recording import record_targets
from tck.report.console import print_report
from tck.report.drift import drift_to_json, print_conclusion, print_scenario
from tck.report.json import to_json
from tck.report.reference import reference_page
from tck.serving import Replay, ServingError, load_recordings, serve
from tck.standalone import SelectionError, graded
from tck.targets import TargetError, load_targets
from tck.verdicts import KitError
from tck.wire.faults import parse_faults
from tck.wire.guard import NetworkGuard

OK, NOT_REACHED, USAGE, KIT_FAILED, INTERRUPTED = 0, 1, 2, 3, 130
"""The exit statuses."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line, and return its exit status."""
    options = parser().parse_args(arguments)
    try:
        _refuse_namesakes()
        status = _COMMANDS[options.command](options)
    except (SelectionError, ServingError, TargetError, UsageError) as error:
        print(f"tck: {error}", file=sys.stderr)  # noqa: T201
        return USAGE
    except KitError as error:
        print(f"tck: {error}", file=sys.stderr)  # noqa: T201
        return KIT_FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception:  # noqa: BLE001 - Python's own exit status would be that of a bad adapter
        traceback.print_exc()
        return KIT_FAILED
    return status


class UsageError(Exception):
    """The command cannot be carried out as it was given; the message is one sentence."""


def _refuse_namesakes() -> None:
    """Other well-known distributions install an ``llm`` or a ``tck`` too, over ours."""
    providers = metadata.packages_distributions()
    for name in ("llm", "tck"):
        others = sorted(set(providers.get(name, ())) - {DISTRIBUTION})
        if others:
            raise UsageError(
                f"{' and '.join(others)} installs a package {name!r} too, so that it is not "
                f"certain whose is graded: install {DISTRIBUTION} into an environment of its own"
            )


def _run(options: argparse.Namespace) -> int:
    _refuse_folderless(options.json, options.junitxml)
    with NetworkGuard() as guard:
        # Before pytest starts, for the exit status; and what a module contacts when it is
        # imported, it contacts only now.
        targets = load_targets(options.adapters, options.fuzz)
        report = graded(
            targets, only=options.only, examples=options.fuzz, junitxml=options.junitxml
        )
    console = Console()
    if report is None:
        print("tck: the run broke off, and there is no report", file=sys.stderr)  # noqa: T201
        return KIT_FAILED
    loading = {target.adapter.name: target.contacted for target in targets}
    report = report.with_contacts(loading, guard.hosts)
    print_report(report, console)
    _write(options.json, to_json(report))
    if report.kit_faults:
        return KIT_FAILED
    reached = all(adapter.reaches(options.tier) for adapter in report.adapters)
    return OK if reached else NOT_REACHED


def _refuse_folderless(*paths: Path | None) -> None:
    """Find out before the work is done that its report cannot be written."""
    for path in paths:
        if path is not None and not path.resolve().parent.is_dir():
            raise UsageError(f"{path} cannot be written: there is no folder {path.parent}")


def _write(path: Path | None, text: str) -> None:
    if path is not None:
        try:
            write_whole(path, text)
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}") from error


def _record(options: argparse.Namespace) -> int:
    targets = load_targets(options.adapters)
    recorded = record_targets(
        targets, options.only, Console(), kind=options.provider, force=options.force
    )
    return asyncio.run(recorded)


def _lint(options: argparse.Namespace) -> int:
    _refuse_folderless(options.json)
    report = lint(options.cassettes)
    print_lint(report, Console())
    _write(options.json, lint_to_json(report))
    return OK if report.is_clean(strict=options.strict) else NOT_REACHED


def _drift(options: argparse.Namespace) -> int:
    _refuse_folderless(options.json)
    targets = load_targets(options.adapters)
    console = Console()
    report = asyncio.run(
        drift_of_targets(
            targets, options.only, lambda name, drift: print_scenario(name, drift, console)
        )
    )
    print_conclusion(report, console)
    _write(options.json, drift_to_json(report))
    if report.kit_failed:
        return KIT_FAILED
    return OK if report.well else NOT_REACHED


def _serve(options: argparse.Namespace) -> int:
    try:
        faults = parse_faults(options.faults)
    except ValueError as error:
        raise UsageError(str(error)) from error
    recordings = load_recordings(options.cassettes)
    serve(Replay(recordings, faults=faults, once=options.once, say=_say), options.port, _say)
    return OK


def _say(line: str) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    try:
        # Flushed, for whoever waits for the base URL at the other end of a pipe.
        print(line.encode(encoding, "backslashreplace").decode(encoding), flush=True)  # noqa: T201
    except OSError:
        # Nobody reads any more. The clients are served all the same, and what is still in the
        # buffer must go somewhere when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _list(options: argparse.Namespace) -> int:
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


def _explain(options: argparse.Namespace) -> int:
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


_COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "run": _run,
    "record": _record,
    "lint": _lint,
    "drift": _drift,
    "serve": _serve,
    "list": _list,
    "explain": _explain,
}
