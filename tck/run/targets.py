"""From what is typed on the command line to an adapter that can be graded."""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from tck.adapter import AdapterUnderTest, Endpoint, error_classes
from tck.building import build
from tck.bundled import BUNDLED, is_installed
from tck.cassettes.library import Library
from tck.cassettes.transmutation import TransmutedDialect
from tck.catalogue import Capability
from tck.checks.subject import EXAMPLES
from tck.report.model import Declaration
from tck.run.environment import isolated_environment
from tck.wire.dialects import dialect_for
from tck.wire.dialects.model import Dialect
from tck.wire.guard import NetworkGuard

RECORDED = "recorded"
"""The ``wire=`` of an adapter of whose wire nothing is known but its recordings."""


class TargetError(Exception):
    """What was asked for cannot be graded; the message is one sentence that says why."""


@dataclass(frozen=True)
class Target:
    """An adapter, loaded and ready to be graded."""

    spelled: str
    """How it is called on the command line."""
    adapter: AdapterUnderTest
    dialect: Dialect | None
    errors: Mapping[str, object]
    capabilities: frozenset[Capability]
    contacted: tuple[str, ...] = field(default=())
    """Hosts that it tried to reach while it was loaded."""
    strays: tuple[str, ...] = field(default=())
    """Hosts that were tried meanwhile, by threads that it has not started."""
    examples: int = EXAMPLES
    """How many made-up texts a fuzzed check tries."""
    sources: tuple[Path, ...] = ()
    """Files and folders that hold the adapter's code."""

    @property
    def declaration(self) -> Declaration:
        """What the adapter declares, as data."""
        return Declaration(
            name=self.adapter.name,
            capabilities=tuple(sorted(self.capabilities)),
            model=self.adapter.model,
            embedding_model=self.adapter.embedding_model,
            wire=self.dialect.name if self.dialect else None,
            limits=dict(self.adapter.limits),
        )

    @property
    def library(self) -> Library:
        return _library(self.spelled, self.adapter)


def load_targets(spelled: list[str], examples: int | None = None) -> list[Target]:
    """Load adapters by name or ``module:attribute``.

    Args:
        spelled: none means all that are bundled and whose SDK is installed: not every SDK
            goes with every other.
        examples: how many made-up texts a fuzzed check tries, when not the usual number.

    Raises:
        TargetError: one of them cannot be loaded, two have one name, or there are none.
    """
    spelled = spelled or [name for name in BUNDLED if is_installed(name)]
    if not spelled:
        raise TargetError(f"no SDK of a bundled adapter is installed: {_install('openai')}")
    if examples is not None and examples < 1:
        raise TargetError(f"a fuzzed check tries at least 1 example, and not {examples}")
    targets = [
        replace(_load(target), examples=EXAMPLES if examples is None else examples)
        for target in spelled
    ]
    names = [target.adapter.name for target in targets]
    for name in names:
        if names.count(name) > 1:
            raise TargetError(f"two of the adapters are called {name!r}: give them different names")
    return targets


def _load(spelled: str) -> Target:
    with NetworkGuard() as guard:
        adapter = _find(spelled)
        try:
            dialect = dialect_of(spelled, adapter)
        except ValueError as error:
            raise TargetError(f"{spelled}: {error}") from error
        errors = error_classes(adapter, lambda name: _import(name, f"the errors= of {spelled}"))
        _try_factories(spelled, adapter)
    return Target(
        spelled=spelled,
        adapter=adapter,
        dialect=dialect,
        errors=errors,
        capabilities=capabilities(adapter),
        contacted=tuple(guard.hosts),
        strays=tuple(guard.strays),
        sources=_sources(spelled),
    )


def dialect_of(spelled: str, adapter: AdapterUnderTest) -> Dialect | None:
    """What an adapter speaks, as far as is known; ``None`` when it runs in the process.

    Raises:
        ValueError: its ``wire`` is no dialect.
    """
    if adapter.wire == RECORDED:
        return TransmutedDialect(_library(spelled, adapter))
    return dialect_for(adapter.wire)


def _sources(spelled: str) -> tuple[Path, ...]:
    """The top-level package or module that a target is in; a bundled adapter is in `llm`."""
    module, colon, _ = spelled.partition(":")
    top = sys.modules.get(module.partition(".")[0] if colon else "llm")
    if top is None:
        return ()
    file = getattr(top, "__file__", None)
    return (*map(Path, getattr(top, "__path__", ())), *([Path(file)] if file else []))


def _library(spelled: str, adapter: AdapterUnderTest) -> Library:
    folder = adapter.cassettes
    return Library(spelled, None if folder is None else Path(folder))


def _install(name: str) -> str:
    return f"python -m pip install 'llm-provider-tck[{name}]'"


def _find(spelled: str) -> AdapterUnderTest:
    module_name, colon, attribute = spelled.partition(":")
    if not colon:
        if spelled in BUNDLED and is_installed(spelled):
            return BUNDLED[spelled]
        if spelled in BUNDLED:
            raise TargetError(f"the SDK of {spelled} is not installed: {_install(spelled)}")
        raise TargetError(
            f"there is no bundled adapter {spelled!r}: name one of {', '.join(BUNDLED)}, or your "
            "own as module:attribute"
        )
    if not module_name or not attribute:
        raise TargetError(f"{spelled!r} is not of the form module:attribute")
    found: object = _import(module_name, spelled)
    for name in attribute.split("."):
        if not hasattr(found, name):
            raise TargetError(f"{spelled}: module {module_name} has no attribute {attribute!r}")
        found = getattr(found, name)
    if not isinstance(found, AdapterUnderTest):
        raise TargetError(
            f"{spelled} is of type {type(found).__name__}, not a tck.AdapterUnderTest"
        )
    return found


def _import(name: str, whose: str) -> ModuleType:
    # As with `python -m`: what lies in the current folder can be graded.
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))
    try:
        return importlib.import_module(name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        # `name` may be a.b.c while it is a or a.b that does not exist.
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing and f"{name}.".startswith(f"{missing}."):
            raise TargetError(
                f"{whose}: there is no module {missing!r} here: install the package that holds "
                "it into this environment, or run from the folder that does"
            ) from error
        place = traceback.extract_tb(error.__traceback__)[-1]
        raise TargetError(
            f"{whose}: importing {name} raised {type(error).__name__}: {error} "
            f"({place.filename}, line {place.lineno})"
        ) from error


def _try_factories(spelled: str, adapter: AdapterUnderTest) -> None:
    """Find out now that an SDK is not installed; any other failure is for the checks."""
    for factory, model in (
        (adapter.chat, adapter.model),
        (adapter.embedding, adapter.embedding_model or adapter.model),
        (adapter.backend, adapter.model),
    ):
        try:
            _built(factory, model)
        except ImportError as error:
            raise TargetError(f"{spelled} cannot be built: {error}") from error
        except Exception:  # noqa: BLE001, S112 - the checks will say so, each in its place
            continue


def _built(factory: Callable[..., Any] | None, model: str) -> Any:
    """A provider for nobody; ``None`` without a factory."""
    with isolated_environment():
        return factory and build(factory, Endpoint("http://127.0.0.1:9", "tck-no-key", model))


def capabilities(adapter: AdapterUnderTest) -> frozenset[Capability]:
    """What an adapter declares, and so what it is graded on."""
    declared: set[Capability] = set()
    if adapter.chat is not None:
        declared.add("chat")
        if _extracts(adapter):
            declared.add("structured")
    if adapter.embedding is not None:
        declared.add("embedding")
    if adapter.backend is not None:
        declared.add("backend")
    if adapter.chat is not None or adapter.embedding is not None:
        declared |= {"errors", "recordings"}
    return frozenset(declared)


def _extracts(adapter: AdapterUnderTest) -> bool:
    """Whether the chat provider is a structured extractor too; a doubt is none the less one."""
    try:
        return hasattr(_built(adapter.chat, adapter.model), "complete_structured")
    except Exception:  # noqa: BLE001 - the checks will say so
        return True
