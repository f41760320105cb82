"""SDKs are optional: importing one, or saying how to install it."""

import importlib
from importlib.util import find_spec
from types import ModuleType


def import_sdk(name: str) -> ModuleType:
    """The SDK module ``name``; its distribution has the same name, with hyphens.

    Raises:
        ImportError: it is not installed; the message is the command that installs it.
    """
    require_sdk(name)
    return importlib.import_module(name)


def require_sdk(name: str) -> None:
    """Raise as `import_sdk` does, without the time that importing takes."""
    if not has_sdk(name):
        distribution = name.replace("_", "-")
        raise ImportError(
            f"this adapter needs {name}: python -m pip install {distribution}", name=name
        )


def has_sdk(name: str) -> bool:
    """Whether the module ``name`` is installed."""
    return find_spec(name) is not None
