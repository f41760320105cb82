"""``tck run``: grade adapters."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import IO, cast

from rich.console import Console

from tck.catalogue import Tier
from tck.commands.common import UsageError, add_adapters, refuse_folderless, write_file
from tck.commands.statuses import INTERRUPTED, KIT_FAILED, NOT_REACHED, OK
from tck.report.console import print_report
from tck.report.json import to_json
from tck.report.junit import to_junit
from tck.report.model import Report
from tck.report.progress import Lenient, LiveProgress
from tck.run.whole import CAN_ISOLATE, MOST_WORKERS, run, usual_workers

_STDOUT = Path("-")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_adapters(parser)
    parser.add_argument("--tier", choices=["bronze", "silver"], help="what each adapter must reach")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write the report as JSON; - is standard output"
    )
    parser.add_argument(
        "--junitxml", type=Path, metavar="FILE", help="write the report as JUnit XML"
    )
    parser.add_argument(
        "--fuzz", type=int, metavar="N", help="examples in each drawn check; default: 40"
    )
    parser.add_argument(
        "-k",
        dest="only",
        metavar="EXPR",
        help="check only requirements whose id or title matches, such as 'CHAT and not usage'; "
        "gives no grade",
    )
    parser.add_argument(
        "-n",
        dest="workers",
        type=int,
        metavar="N",
        help="worker processes; default: one for each core, at most "
        f"{MOST_WORKERS}; 0 stays in this process, for debuggers",
    )
    parser.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="show the traceback, the request and the reply of each finding",
    )


def execute(options: argparse.Namespace) -> int:
    to_stdout = options.json == _STDOUT
    refuse_folderless(None if to_stdout else options.json, options.junitxml)
    workers = _workers(options.workers)
    # What is piped somewhere is only the report that was asked for.
    console = Console(stderr=to_stdout)
    with LiveProgress(Console(file=cast("IO[str]", Lenient(sys.stderr)))) as progress:
        report = run(
            options.adapters,
            progress,
            workers=workers,
            only=options.only,
            examples=options.fuzz,
        )
    # First what machines read, which nothing that goes wrong on a screen may cost.
    if to_stdout:
        _print_json(to_json(report))
    else:
        write_file(options.json, to_json(report) if options.json else "")
    write_file(options.junitxml, to_junit(report) if options.junitxml else "")
    try:
        print_report(report, console, verbose=options.verbose)
    except OSError as error:
        if not to_stdout and not isinstance(error, BrokenPipeError):
            raise UsageError(f"standard output cannot be written: {error.strerror}") from error
    return _status(report, options.tier)


def _print_json(text: str) -> None:
    if sys.stdout is None:
        raise UsageError("standard output is closed: give --json a file")
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        raise UsageError(f"standard output cannot be written: {error.strerror}") from error


def _workers(asked: int | None) -> int:
    workers = usual_workers() if asked is None else asked
    if workers < 0:
        raise UsageError(f"-n {workers} is no number of processes: give 0 or more")
    if workers and not CAN_ISOLATE:
        raise UsageError("worker processes need a POSIX system: give -n 0")
    if workers == 0:
        print(  # noqa: T201
            "tck: adapters are assessed in this process (-n 0): one that exits or hangs takes the "
            "run with it",
            file=sys.stderr,
        )
    return workers


def _status(report: Report, tier: Tier | None) -> int:
    if report.interrupted:
        return INTERRUPTED
    if report.kit_faults:
        return KIT_FAILED
    reached = all(adapter.reaches(tier) for adapter in report.adapters)
    return OK if reached else NOT_REACHED
