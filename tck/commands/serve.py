"""``tck serve``: replay recordings over HTTP, for clients of any language."""

from __future__ import annotations

import argparse
import os
import sys

from tck.cassettes.replay import Replay, read_interactions
from tck.cassettes.replay_server import serve
from tck.commands.common import CASSETTES, UsageError
from tck.commands.statuses import OK
from tck.run.cassette_files import find_cassettes
from tck.wire.faults import parse_faults

DESCRIPTION = """\
Replay recordings over HTTP on 127.0.0.1 until Ctrl-C or SIGTERM. No API key is needed: any
is accepted.

A request is answered by the recording with its method, path, query and JSON body; headers
and the order of keys do not matter. Equal requests get their recorded replies in order, and
then the last one again; with --once each is played a single time. Any other request is
answered with 404, which says what the nearest recording is and where it differs. Nothing is
delayed: a recorded retry-after is sent, and left to the client.

A FAULT strikes requests before anything is replayed:
  503                    answer this status, from 400 to 599
  429:retry-after=2      with a header: retry-after, retry-after-ms or x-should-retry;
                         a comma goes between several
  stall                  answer nothing, and keep the connection open
  reset                  reset the connection
  cut                    send half of the reply's body, and close the connection
  '503*2'                any of them, for that many requests only
Without a number it strikes every request. Of several faults, the next begins when the one
before it is used up. A request that is struck uses no recording up."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = DESCRIPTION
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "cassettes",
        nargs="+",
        metavar="CASSETTES",
        help=CASSETTES,
    )
    parser.add_argument(
        "--port", type=int, default=0, metavar="N", help="where on 127.0.0.1; 0, the default: any"
    )
    parser.add_argument("--once", action="store_true", help="play each recording a single time")
    parser.add_argument(
        "--fault",
        dest="faults",
        action="append",
        default=[],
        metavar="FAULT",
        help="trouble to inject; may be given several times",
    )


def execute(options: argparse.Namespace) -> int:
    try:
        faults = parse_faults(options.faults)
    except ValueError as error:
        raise UsageError(str(error)) from error
    recordings = read_interactions(find_cassettes(options.cassettes))
    if not recordings:
        raise UsageError(f"nothing is recorded in {', '.join(options.cassettes)}")
    serve(Replay(recordings, faults=faults, once=options.once, say=_say), options.port, _say)
    return OK


def _say(line: str) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    try:
        # Flushed, since a program may wait for the base URL at the other end of a pipe.
        print(line.encode(encoding, "backslashreplace").decode(encoding), flush=True)  # noqa: T201
    except OSError:
        # The reader is gone. Clients are still served, and what is left in the buffer must go
        # somewhere when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
