"""The command ``tck``: reads its arguments, calls what does the work, prints."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from tck import __version__
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
from tck.report.model import Report
from tck.report.reference import reference_page
from tck.serving import Replay, ServingError, load_recordings, serve
from tck.session import report_key
from tck.targets import Target, TargetError, load_targets
from tck.verdicts import KitError
from tck.wire.faults import parse_faults
from tck.wire.guard import NetworkGuard

DISTRIBUTION = "llm-provider-tck"

OK, NOT_REACHED, USAGE, KIT_FAILED, INTERRUPTED = 0, 1, 2, 3, 130
"""The exit statuses."""


_SERVE = """\
Replay recordings over HTTP on 127.0.0.1 until Ctrl-C or SIGTERM. No API key is needed: any
is accepted.

A request is answered by the recording with its method, path, query and JSON body; headers
and the order of keys do not matter. Equal requests get their recorded replies in order, and
then the last one again; with --once each is played a single time. Any other request is
answered with 404, and told what the nearest recording is and where it differs. Nothing is
delayed: a recorded retry-after is sent, and left to the client.

A FAULT strikes requests before anything is replayed:
  503                    answer this status, from 400 to 599
  429:retry-after=2      with a header: retry-after, retry-after-ms or x-should-retry;
                         a comma goes between several
  stall                  answer nothing, and keep the connection open
  reset                  reset the connection
  cut                    send half of the reply's body, and close the connection
  '503*2'                any of them, for that many requests, and then no more
Without a number it strikes every request. Of several faults, the next begins when the one
before it is used up. A request that is struck uses no recording up."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line, and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        _refuse_namesakes()
        status: int = options.run(options)
    except (TargetError, ServingError, UsageError) as error:
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tck", description="Grade adapters of LLM providers against a conformance suite."
    )
    parser.add_argument("--version", action="version", version=f"{DISTRIBUTION} {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="grade adapters")
    run.set_defaults(run=_run)
    _add_adapters(run)
    run.add_argument("--tier", choices=["bronze", "silver"], help="what each adapter must reach")
    run.add_argument("--json", type=Path, metavar="FILE", help="write the report as JSON")
    run.add_argument("--junitxml", type=Path, metavar="FILE", help="write the report as JUnit XML")
    run.add_argument(
        "--fuzz", type=int, metavar="N", help="made-up texts in each fuzzed check; default: 40"
    )
    run.add_argument("-k", dest="only", metavar="EXPR", help="check only these; gives no grade")

    record = commands.add_parser("record", help="record real providers' responses")
    record.set_defaults(run=_record)
    _add_adapters(record)
    record.add_argument("-k", dest="only", metavar="SCENARIO", help="only scenarios with this name")
    record.add_argument(
        "--provider",
        choices=["local", "hosted"],
        help="who is recorded; default: the hosted provider of an adapter whose key is set, else "
        "the local model",
    )
    record.add_argument(
        "--force",
        action="store_true",
        help="let the local model replace recordings of a hosted provider",
    )

    linting = commands.add_parser(
        "lint",
        help="look for what is wrong with recordings",
        description="Look for secrets, cut or edited files, recordings of unknown or changed "
        "scenarios, and old ones; of an adapter also for what is missing, and what it does not "
        "use. Exit status: 0 no errors, 1 some, 2 the command was wrong, 3 the kit failed.",
    )
    linting.set_defaults(run=_lint)
    linting.add_argument(
        "cassettes",
        nargs="*",
        metavar="CASSETTES",
        help="a file, a folder that is searched for *.json through and through, the name of a "
        "bundled adapter, or module:attribute; none means all bundled adapters",
    )
    linting.add_argument("--strict", action="store_true", help="count warnings (age) as errors")
    linting.add_argument("--json", type=Path, metavar="FILE", help="write what was found as JSON")

    drift = commands.add_parser(
        "drift",
        help="compare new responses' shapes with the recordings",
        description="Record anew, into a temporary folder, and compare the shape of the responses "
        "(JSON path to JSON type) with that of the recordings and with the SDK's own models. "
        "Exit status: 0 nothing was removed or retyped; 1 something was, or a scenario could not "
        "be compared; 2 the command was wrong; 3 a recording is damaged, or the kit failed.",
    )
    drift.set_defaults(run=_drift)
    _add_adapters(drift)
    drift.add_argument("-k", dest="only", metavar="SCENARIO", help="only scenarios with this name")
    drift.add_argument("--json", type=Path, metavar="FILE", help="write what was found as JSON")

    serving = commands.add_parser(
        "serve",
        help="replay recordings over HTTP, for clients of any language",
        description=_SERVE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    serving.set_defaults(run=_serve)
    serving.add_argument(
        "cassettes",
        nargs="+",
        metavar="CASSETTES",
        help="a file, a folder that is searched for *.json through and through, or the name of a "
        "bundled adapter",
    )
    serving.add_argument(
        "--port", type=int, default=0, metavar="N", help="where on 127.0.0.1; 0, the default: any"
    )
    serving.add_argument("--once", action="store_true", help="play each recording a single time")
    serving.add_argument(
        "--fault",
        dest="faults",
        action="append",
        default=[],
        metavar="FAULT",
        help="trouble to inject; may be given several times",
    )

    listing = commands.add_parser("list", help="list the bundled adapters and the requirements")
    listing.set_defaults(run=_list)
    listing.add_argument(
        "--markdown", action="store_true", help="write the reference page of all requirements"
    )
    explain = commands.add_parser("explain", help="say all about a requirement")
    explain.set_defaults(run=_explain)
    explain.add_argument("id", metavar="ID", help="such as CHAT-10")
    return parser


def _add_adapters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "adapters",
        nargs="*",
        metavar="ADAPTER",
        help="module:attribute, or the name of a bundled adapter; none means all bundled ones "
        "whose SDK is installed",
    )


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
        report = _graded(options, targets)
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


def _graded(options: argparse.Namespace, targets: Sequence[Target]) -> Report | None:
    keeper = _Keeper()
    with tempfile.TemporaryDirectory(prefix="tck-") as folder, _pytest_by_itself():
        settings = Path(folder, "pytest.ini")
        settings.write_text("[pytest]\n", encoding="utf-8")
        command = [folder, f"--rootdir={folder}", f"--config-file={settings}"]
        command += ["-p", "tck.plugin", "-p", "no:cacheprovider", "-p", "no:terminal"]
        command += [f"--tck={target.spelled}" for target in targets]
        if options.fuzz:
            command += [f"--tck-fuzz={options.fuzz}"]
        if options.only:
            command += ["-k", options.only]
        if options.junitxml:
            command += [f"--junitxml={options.junitxml.resolve()}"]
        status = pytest.main(command, plugins=[keeper])
    if status == pytest.ExitCode.USAGE_ERROR:
        raise UsageError(f"-k {options.only!r} is no expression that pytest understands")
    if status == pytest.ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    return keeper.report


class _Keeper:
    """Takes the report out of a pytest session, or says what became of it."""

    report: Report | None = None

    def pytest_internalerror(self, excrepr: object) -> None:
        print(excrepr, file=sys.stderr)  # noqa: T201 - a fault of the kit is shown whole

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        self.report = config.stash.get(report_key, None)


@contextmanager
def _pytest_by_itself() -> Iterator[None]:
    """Pytest without the plugins and options of whoever runs us."""
    changed = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "", "PYTEST_PLUGINS": ""}
    before = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


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
