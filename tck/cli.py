"""The command ``tck``: finds the command that is asked for, and turns errors into statuses."""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Sequence
from importlib import metadata
from types import ModuleType

from tck import __version__
from tck.cassettes.replay_server import ServingError
from tck.commands import drift, explain, lint, record, run, serve
from tck.commands import list as listing
from tck.commands.common import INTERRUPTED, KIT_FAILED, USAGE, UsageError
from tck.run.standalone import SelectionError
from tck.run.targets import TargetError
from tck.verdicts import KitError

DISTRIBUTION = "llm-provider-tck"

COMMANDS: dict[str, ModuleType] = {
    "run": run,
    "record": record,
    "lint": lint,
    "drift": drift,
    "serve": serve,
    "list": listing,
    "explain": explain,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line, and return its exit status."""
    options = parser().parse_args(arguments)
    try:
        _refuse_namesakes()
        status: int = COMMANDS[options.command].execute(options)
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


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line; ``options.command`` is which command it is."""
    whole = argparse.ArgumentParser(
        prog="tck", description="Grade adapters of LLM providers against a conformance suite."
    )
    whole.add_argument("--version", action="version", version=f"{DISTRIBUTION} {__version__}")
    commands = whole.add_subparsers(required=True, dest="command", metavar="COMMAND")
    for name, command in COMMANDS.items():
        command.add_arguments(commands.add_parser(name, help=command.HELP))
    return whole


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
