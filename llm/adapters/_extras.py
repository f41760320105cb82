"""SDKs are optional: importing one, or saying which extra brings it."""

import importlib
from types import ModuleType


def import_sdk(name: str) -> ModuleType:
    """The SDK module ``name``, which the extra of the same name installs.

    Raises:
        ImportError: it is not installed; the message is the command that installs it.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as missing:
        if missing.name != name:
            raise
        raise ImportError(
            f"this adapter needs the {name} SDK: python -m pip install 'llm-provider-tck[{name}]'",
            name=name,
        ) from missing
