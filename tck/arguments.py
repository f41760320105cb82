"""What can be said to the command ``tck``."""

from __future__ import annotations

import argparse
from pathlib import Path

from tck import __version__

DISTRIBUTION = "llm-provider-tck"

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


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line; ``options.command`` is which command it is."""
    whole = argparse.ArgumentParser(
        prog="tck", description="Grade adapters of LLM providers against a conformance suite."
    )
    whole.add_argument("--version", action="version", version=f"{DISTRIBUTION} {__version__}")
    commands = whole.add_subparsers(required=True, dest="command", metavar="COMMAND")

    run = commands.add_parser("run", help="grade adapters")
    _add_adapters(run)
    run.add_argument("--tier", choices=["bronze", "silver"], help="what each adapter must reach")
    run.add_argument("--json", type=Path, metavar="FILE", help="write the report as JSON")
    run.add_argument("--junitxml", type=Path, metavar="FILE", help="write the report as JUnit XML")
    run.add_argument(
        "--fuzz", type=int, metavar="N", help="made-up texts in each fuzzed check; default: 40"
    )
    run.add_argument("-k", dest="only", metavar="EXPR", help="check only these; gives no grade")

    record = commands.add_parser("record", help="record real providers' responses")
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
    _add_adapters(drift)
    drift.add_argument("-k", dest="only", metavar="SCENARIO", help="only scenarios with this name")
    drift.add_argument("--json", type=Path, metavar="FILE", help="write what was found as JSON")

    serving = commands.add_parser(
        "serve",
        help="replay recordings over HTTP, for clients of any language",
        description=_SERVE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
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
    listing.add_argument(
        "--markdown", action="store_true", help="write the reference page of all requirements"
    )
    explain = commands.add_parser("explain", help="say all about a requirement")
    explain.add_argument("id", metavar="ID", help="such as CHAT-10")
    return whole


def _add_adapters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "adapters",
        nargs="*",
        metavar="ADAPTER",
        help="module:attribute, or the name of a bundled adapter; none means all bundled ones "
        "whose SDK is installed",
    )
