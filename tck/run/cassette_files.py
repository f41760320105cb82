"""Which cassettes an argument of the command line means.

==================================  ====================================================
argument                            the cassettes
==================================  ====================================================
the name of a bundled adapter       those of the adapter
``module:attribute``                those of your adapter
a folder                            every ``*.json`` in it and in the folders inside it
a file                              that file
==================================  ====================================================

A bundled adapter comes before a folder of its name: write ``./openai`` for the folder.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tck.bundled import BUNDLED
from tck.cassettes.library import CassetteFile
from tck.run.arguments import TargetError
from tck.run.targets import Target, load_targets


def is_adapter(argument: str) -> bool:
    """Whether an argument names an adapter, rather than a file or a folder."""
    return argument in BUNDLED or (":" in argument and not Path(argument).exists())


def find_cassettes(arguments: Sequence[str]) -> list[CassetteFile]:
    """The files that arguments mean, in their order, each file once.

    Raises:
        TargetError: there is no such thing, or no cassette in it.
    """
    return unique(file for argument in arguments for file in _files_of(argument))


def files_at(path: Path) -> list[CassetteFile]:
    """The file at a path, or those in the folder at it, by name.

    Raises:
        TargetError: there is neither, or the folder holds no cassette.
    """
    if not path.exists():
        raise TargetError(
            f"there is no file or folder {str(path)!r}, and no bundled adapter of that name: "
            f"those are {', '.join(BUNDLED)}"
        )
    if not path.is_dir():
        return [CassetteFile(path, str(path))]
    files = list(files_in(path))
    if not files:
        raise TargetError(f"there is no cassette in the folder {path}")
    return files


def files_in(folder: Path) -> Iterator[CassetteFile]:
    """The cassettes in a folder and in the folders inside it, by name, if any."""
    for path in sorted(folder.rglob("*.json")):
        if path.is_file():
            yield CassetteFile(path, str(Path(folder.resolve().name, path.relative_to(folder))))


def unique(files: Iterable[CassetteFile]) -> list[CassetteFile]:
    """The files without those that are there already, be it under another path."""
    first: dict[Path, CassetteFile] = {}
    for file in files:
        first.setdefault(file.path.resolve(), file)
    return list(first.values())


def folder_of(target: Target) -> Path:
    """The folder for an adapter's recordings.

    Raises:
        TargetError: it names none.
    """
    if target.adapter.cassettes is None:
        raise _no_folder(target.argument)
    return Path(target.adapter.cassettes)


def _no_folder(adapter: str) -> TargetError:
    return TargetError(
        f"{adapter} has no recordings: its AdapterUnderTest needs a folder in cassettes="
    )


def _files_of(argument: str) -> list[CassetteFile]:
    if not is_adapter(argument):
        return files_at(Path(argument))
    if argument in BUNDLED:  # whose SDK need not be installed
        cassettes = BUNDLED[argument].cassettes
        if cassettes is None:
            raise _no_folder(argument)
        return files_at(Path(cassettes))
    (target,) = load_targets([argument])
    return files_at(folder_of(target))
