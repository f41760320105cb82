"""What is typed to name adapters, checked without importing any of their code."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence

from tck.bundled import BUNDLED, is_installed
from tck.run.places import current_folder


class TargetError(Exception):
    """What was asked for cannot be graded; the message is one sentence that says why."""


def checked_arguments(arguments: Sequence[str], examples: int | None = None) -> list[str]:
    """The adapters that are meant, as they are to be called.

    Args:
        arguments: each ``module:attribute`` or a bundled name; none means all that are bundled
            and whose SDK is installed, as not every SDK goes with every other.
        examples: how many examples a drawn check tries, when not the usual number.

    Raises:
        TargetError: one of them is mistyped or not installed, two are equal, there are none, or
            the number of examples is none.
    """
    if examples is not None and examples < 1:
        raise TargetError(f"a fuzzed check tries at least 1 example, and not {examples}")
    chosen = list(arguments) or [name for name in BUNDLED if is_installed(name)]
    if not chosen:
        raise TargetError(f"no SDK of a bundled adapter is installed: {sdk_hint('openai')}")
    for argument in chosen:
        if chosen.count(argument) > 1:
            raise TargetError(
                f"two of the adapters are called {argument!r}: name each of them once"
            )
        _assert_well_formed(argument)
    return chosen


def _assert_well_formed(argument: str) -> None:
    module, colon, attribute = argument.partition(":")
    if not colon:
        if argument not in BUNDLED:
            raise TargetError(
                f"there is no bundled adapter {argument!r}: name one of {', '.join(BUNDLED)}, or "
                "your own as module:attribute"
            )
        if not is_installed(argument):
            raise TargetError(f"the SDK of {argument} is not installed: {sdk_hint(argument)}")
        return
    if not module or not attribute:
        raise TargetError(f"{argument!r} is not of the form module:attribute")
    see_current_folder()
    top = module.partition(".")[0]
    if not _exists(top):
        raise TargetError(no_module(argument, top))


def _exists(module: str) -> bool:
    # Of a module without a dot nothing is imported to find it.
    try:
        return module in sys.modules or importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def see_current_folder() -> None:
    """Let what lies in the current folder be imported, as with ``python -m``."""
    for folder in map(str, current_folder()):
        if "" not in sys.path and folder not in sys.path:
            sys.path.append(folder)


def no_module(argument: str, module: str) -> str:
    """The sentence about a module that is not there."""
    return (
        f"{argument}: there is no module {module!r} here: install the package that holds it into "
        "this environment, or run from the folder that does"
    )


def sdk_hint(name: str) -> str:
    """The command that installs the SDK of a bundled adapter."""
    return f"python -m pip install {name}"
