"""Other distributions with packages called ``llm`` or ``tck``, beside which nothing is certain."""

from __future__ import annotations

from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

DISTRIBUTION = "llm-provider-tck"


class NamesakeError(Exception):
    """Another ``llm`` or ``tck`` is in the way; the message is one sentence."""


def refuse_namesakes() -> None:
    """Raise `NamesakeError` unless the packages ``llm`` and ``tck`` are ours."""
    providers = metadata.packages_distributions()
    for name in ("llm", "tck"):
        others = sorted(set(providers.get(name, ())) - {DISTRIBUTION})
        if others:
            raise NamesakeError(
                f"{' and '.join(others)} installs a package {name!r} too, so that it is not "
                f"certain whose is graded: install {DISTRIBUTION} into an environment of its own"
            )
    found = find_spec("llm")
    home = Path(__file__).resolve().parents[1]
    origin = None if found is None or found.origin is None else Path(found.origin).resolve()
    if origin is None or origin.parent.parent != home:
        where = "nowhere" if origin is None else str(origin)
        raise NamesakeError(
            f"the package 'llm' is found at {where} and not beside 'tck' in {home}: run tck from "
            "another folder, and take the other 'llm' off PYTHONPATH"
        )
