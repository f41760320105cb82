"""What the commands share: arguments, and files to write."""

from __future__ import annotations

import argparse
from pathlib import Path

from tck.cassettes.files import write_whole

CASSETTES = (
    "a file, a folder whose *.json files are taken at any depth, the name of a bundled adapter, "
    "or module:attribute"
)
"""The help of an argument that means cassettes."""


class UsageError(Exception):
    """The command cannot be carried out as it was given; the message is one sentence."""


def add_adapters(parser: argparse.ArgumentParser) -> None:
    """Add the argument that names adapters."""
    parser.add_argument(
        "adapters",
        nargs="*",
        metavar="ADAPTER",
        help="module:attribute, or the name of a bundled adapter; none means all bundled ones "
        "whose SDK is installed",
    )


def refuse_folderless(*paths: Path | None) -> None:
    """Find out before the work is done that its report cannot be written."""
    for path in paths:
        if path is not None and not path.resolve().parent.is_dir():
            raise UsageError(f"{path} cannot be written: there is no folder {path.parent}")


def write_file(path: Path | None, text: str) -> None:
    """Write a report, whole or not at all; ``None`` writes nothing.

    A link is followed. What is no ordinary file, such as a pipe, is written to as it is.
    """
    if path is not None:
        try:
            if path.exists() and not path.is_file():
                path.write_text(text, encoding="utf-8")
            else:
                write_whole(path.resolve(), text)
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}") from error
