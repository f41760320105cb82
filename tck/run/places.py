"""Where in the adapter's code a finding comes from."""

from __future__ import annotations

import sysconfig
import traceback
from collections.abc import Collection, Iterator
from pathlib import Path

_KIT = Path(__file__).parents[1]
_STDLIB = Path(sysconfig.get_path("stdlib"))
_SITE = [Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")]
_LONGEST = 8000


def place_of(error: BaseException, own: Collection[Path]) -> str | None:
    """``file:line`` of the deepest frame in the adapter's code that an exception came through.

    Args:
        error: with its causes.
        own: files and folders of the adapter. What is neither the kit's nor Python's own counts
            where an exception came through none of them.
    """
    frames = [(Path(frame.filename), frame.lineno) for frame in _frames(error)]
    ours = [frame for frame in frames if any(frame[0].is_relative_to(folder) for folder in own)]
    foreign = [frame for frame in frames if is_foreign(frame[0])]
    for found in (ours, foreign):
        if found:
            file, line = found[-1]
            return f"{_shown(file)}:{line}"
    return None


def trace_of(error: BaseException) -> str:
    """The traceback of what an adapter has raised, without the frames of the kit before it."""
    text = "".join(traceback.format_exception(error.__cause__ or error))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}\n…"


def in_words(error: BaseException) -> str:
    """An exception in a few words, also one whose own text cannot be had."""
    try:
        text = str(error)[:300]
    except BaseException:  # noqa: BLE001 - an adapter may raise anything
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def comes_from_the_adapter(error: BaseException) -> bool:
    """Whether an exception that a check did not expect passed through code that is not ours."""
    return any(is_foreign(Path(frame.filename)) for frame in _frames(error))


def is_foreign(file: Path) -> bool:
    """Whether a file is neither the kit's nor Python's, nor of a library that the kit calls."""
    if not file.is_absolute() or file.is_relative_to(_KIT):
        return False
    for site in _SITE:
        if file.is_relative_to(site):
            return file.relative_to(site).parts[0] not in _LIBRARIES
    return not file.is_relative_to(_STDLIB)


_LIBRARIES = {
    "h11",
    "hypothesis",
    "pydantic",
    "vcr",
    "_pytest",
    "pluggy",
    "pytest",
    "rich",
    "wrapt",
}


def _frames(error: BaseException | None) -> Iterator[traceback.FrameSummary]:
    """Of the exception itself, then of its causes: the deepest frame of all comes last."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield from traceback.extract_tb(error.__traceback__)
        error = error.__cause__


def current_folder() -> tuple[Path, ...]:
    """The current folder, if it is still there."""
    try:
        return (Path.cwd(),)
    except OSError:
        return ()


def _shown(file: Path) -> str:
    for folder in (*current_folder(), *_SITE, _KIT.parent):
        if file.is_relative_to(folder):
            return str(file.relative_to(folder))
    return file.name
