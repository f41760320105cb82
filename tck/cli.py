"""The command ``tck``: finds the command that is asked for, and turns errors into statuses.

Nothing of the kit that needs `llm` is imported before it is certain that `llm` is ours.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import traceback
from collections.abc import Sequence

from tck import __version__
from tck.commands import COMMANDS
from tck.commands.statuses import INTERRUPTED, KIT_FAILED, USAGE
from tck.namesakes import DISTRIBUTION, NamesakeError, refuse_namesakes
from tck.verdicts import KitError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line, and return its exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not os.environ.get("COLUMNS", "0").strip("0"):
        os.environ.pop("COLUMNS", None)  # no width at all is none that anything fits
    try:
        return _status(given)
    except KitError as error:
        print(f"tck: {error}", file=sys.stderr)  # noqa: T201
        return KIT_FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - Python's own status would be that of a bad adapter
        if _is_usage(error):
            print(f"tck: {error}", file=sys.stderr)  # noqa: T201
            return USAGE
        traceback.print_exc()
        return KIT_FAILED


def _status(given: Sequence[str]) -> int:
    refuse_namesakes()
    options = _parser(given).parse_args(given)
    status: int = options.execute(options)
    return status


def _is_usage(error: Exception) -> bool:
    """Whether what was asked for cannot be done; the other classes need `llm` to be imported."""
    if isinstance(error, NamesakeError):
        return True
    from tck.cassettes.replay_server import ServingError  # noqa: PLC0415
    from tck.commands.common import UsageError  # noqa: PLC0415
    from tck.run.arguments import TargetError  # noqa: PLC0415
    from tck.run.selection import SelectionError  # noqa: PLC0415

    return isinstance(error, SelectionError | ServingError | TargetError | UsageError)


def _parser(given: Sequence[str]) -> argparse.ArgumentParser:
    """The parser of the whole command line; only the command that is asked for is imported."""
    whole = argparse.ArgumentParser(
        prog="tck", description="Grade adapters of LLM providers against a conformance suite."
    )
    whole.add_argument("--version", action="version", version=f"{DISTRIBUTION} {__version__}")
    commands = whole.add_subparsers(required=True, dest="command", metavar="COMMAND")
    for name, summary in COMMANDS.items():
        parser = commands.add_parser(name, help=summary)
        if name in given:
            command = importlib.import_module(f"tck.commands.{name}")
            command.add_arguments(parser)
            parser.set_defaults(execute=command.execute)
    return whole
