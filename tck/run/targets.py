"""From what is typed on the command line to an adapter that can be graded."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from tck.adapter import AdapterUnderTest, DescriptionError, Endpoint, error_classes
from tck.building import build
from tck.bundled import BUNDLED
from tck.cassettes.library import Library
from tck.cassettes.transmutation import TransmutedDialect
from tck.catalogue import Capability
from tck.grading import EXAMPLES
from tck.report.model import Declaration
from tck.run.arguments import (
    TargetError,
    checked_arguments,
    no_module,
    see_current_folder,
)
from tck.run.environment import isolated_environment
from tck.run.losses import NOT_LOADED
from tck.run.places import in_words, place_of, trace_of
from tck.verdicts import Finding
from tck.wire.dialects import dialect_for
from tck.wire.dialects.model import Dialect

RECORDED = "recorded"
"""The ``wire=`` of an adapter of whose wire nothing is known but its recordings."""

_Passing = tuple[type[BaseException], ...]
"""What is nobody's fault when it is raised while an adapter is loaded."""


class UnloadableError(Exception):
    """The adapter's own code fails when it is loaded.

    Attributes:
        finding: what is to be said of all its requirements.
    """

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.seen)
        self.finding = finding


@dataclass(frozen=True)
class Target:
    """An adapter, loaded and ready to be graded."""

    argument: str
    """How it is called on the command line."""
    adapter: AdapterUnderTest
    dialect: Dialect | None
    errors: Mapping[str, object]
    capabilities: frozenset[Capability]
    examples: int = EXAMPLES
    """How many examples a drawn check tries."""
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
        return _library(self.argument, self.adapter)


def load_targets(arguments: Sequence[str]) -> list[Target]:
    """Load adapters into this process, for the commands that do not grade.

    Args:
        arguments: as `checked_arguments` takes them.

    Raises:
        TargetError: one of them cannot be loaded, two have one name, or there are none.
    """
    try:
        targets = [load_target(argument) for argument in checked_arguments(arguments)]
    except UnloadableError as error:
        place = f" ({error.finding.place})" if error.finding.place else ""
        raise TargetError(f"{error}{place}") from error
    assert_distinct([target.adapter.name for target in targets])
    return targets


def assert_distinct(names: Sequence[str]) -> None:
    """Raise `TargetError` when two adapters have one name."""
    for name in names:
        if names.count(name) > 1:
            raise TargetError(f"two of the adapters are called {name!r}: give them different names")


def load_target(
    argument: str,
    examples: int = EXAMPLES,
    *,
    began: Callable[[str], None] = lambda _: None,
    isolated: bool = False,
) -> Target:
    """Import an adapter's description, and find out what it declares.

    Args:
        argument: a bundled name, or ``module:attribute``.
        examples: how many examples a drawn check tries.
        began: told what is being done, for whoever must say what never ended.
        isolated: whether this process is out of reach of Ctrl-C, so that a `KeyboardInterrupt`
            is the adapter's.

    Raises:
        TargetError: there is no such adapter, or its description is wrong.
        UnloadableError: its code fails.
    """
    passing = () if isolated else (KeyboardInterrupt,)
    began(f"importing {argument.partition(':')[0]}" if ":" in argument else "importing it")
    adapter = _find(argument, passing)
    began("finding the dialect of its wire=")
    try:
        dialect = dialect_of(argument, adapter)
    except ValueError as error:
        raise TargetError(f"{argument}: {error}") from error
    began("importing its errors=")
    errors = error_classes(
        adapter, lambda name: _import(name, f"the errors= of {argument}", argument, passing)
    )
    began("calling its first factory")
    try:
        extracts = is_extractor(adapter, passing)
    except ImportError as error:
        raise TargetError(f"{argument} cannot be built: {error}") from error
    return Target(
        argument=argument,
        adapter=adapter,
        dialect=dialect,
        errors=errors,
        capabilities=capabilities(adapter, extracts=extracts),
        examples=examples,
        sources=_sources(argument),
    )


def dialect_of(argument: str, adapter: AdapterUnderTest) -> Dialect | None:
    """What an adapter speaks, as far as is known; ``None`` when it runs in the process.

    Raises:
        ValueError: its ``wire`` is no dialect.
    """
    if adapter.wire == RECORDED:
        return TransmutedDialect(_library(argument, adapter))
    return dialect_for(adapter.wire)


def _sources(argument: str) -> tuple[Path, ...]:
    """The top-level package or module that a target is in; a bundled adapter is in `llm`."""
    module, colon, _ = argument.partition(":")
    top = sys.modules.get(module.partition(".")[0] if colon else "llm")
    if top is None:
        return ()
    file = getattr(top, "__file__", None)
    return (*map(Path, getattr(top, "__path__", ())), *([Path(file)] if file else []))


def _library(argument: str, adapter: AdapterUnderTest) -> Library:
    folder = adapter.cassettes
    return Library(argument, None if folder is None else Path(folder))


def _find(argument: str, passing: _Passing) -> AdapterUnderTest:
    module, colon, attribute = argument.partition(":")
    if not colon:
        return BUNDLED[argument]
    found: object = _import(module, argument, argument, passing)
    for name in attribute.split("."):
        try:
            found = getattr(found, name)
        except AttributeError as error:
            raise TargetError(
                f"{argument}: module {module} has no attribute {attribute!r}"
            ) from error
    if not isinstance(found, AdapterUnderTest):
        raise TargetError(
            f"{argument} is of type {type(found).__name__}, not a tck.AdapterUnderTest"
        )
    return found


def _import(name: str, whose: str, argument: str, passing: _Passing) -> ModuleType:
    see_current_folder()
    try:
        return importlib.import_module(name)
    except passing:
        raise
    except BaseException as error:
        # `name` may be a.b.c while it is a or a.b that does not exist.
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing and f"{name}.".startswith(f"{missing}."):
            raise TargetError(no_module(whose, missing)) from error
        if isinstance(error, DescriptionError):
            raise TargetError(f"{whose}: {error}") from error
        raise UnloadableError(unloadable(error, name, argument)) from error


def unloadable(error: BaseException, what: str, argument: str) -> Finding:
    """What is to be said of all requirements of an adapter that raises when it is loaded.

    Args:
        error: what it raises.
        what: the module that is imported, or whatever else of it is read.
        argument: how the adapter is called on the command line.
    """
    doing = "reading" if what.startswith("its ") else "importing"
    return Finding(
        expected="the adapter can be loaded",
        seen=f"{doing} {what} raised {in_words(error)}",
        look_at=f"the module {what}" if doing == "importing" else "the AdapterUnderTest",
        cause=NOT_LOADED,
        # Of a SyntaxError the traceback names no line of the module.
        place=place_of(error, _sources(argument)),
        trace=trace_of(error),
    )


def capabilities(adapter: AdapterUnderTest, *, extracts: bool) -> frozenset[Capability]:
    """What an adapter declares, and so what it is graded on.

    Args:
        adapter: its description.
        extracts: whether its chat provider is a structured extractor too.
    """
    declared: set[Capability] = set()
    if adapter.chat is not None:
        declared.add("chat")
    if adapter.embedding is not None:
        declared.add("embedding")
    if adapter.backend is not None:
        declared.add("backend")
    if adapter.chat is not None or adapter.embedding is not None:
        declared |= {"errors", "recordings"}
    if adapter.chat is not None and extracts:
        declared.add("structured")
    return frozenset(declared)


def is_extractor(adapter: AdapterUnderTest, passing: _Passing = ()) -> bool:
    """Whether the chat provider is a structured extractor too; when unsure, assume that it is.

    A factory is called once for it, so that an SDK that is not installed is told at once.

    Raises:
        ImportError: it is not installed.
    """
    factory = adapter.chat or adapter.embedding or adapter.backend
    model = adapter.model if adapter.chat else adapter.embedding_model or adapter.model
    try:
        built = _built(factory, model)
        return adapter.chat is not None and hasattr(built, "complete_structured")
    except ImportError:
        raise
    except passing:
        raise
    except BaseException:  # noqa: BLE001 - the checks will say so
        return adapter.chat is not None


def _built(factory: Callable[..., Any] | None, model: str) -> Any:
    """A provider for nobody; ``None`` without a factory."""
    with isolated_environment():
        return factory and build(factory, Endpoint("http://127.0.0.1:9", "tck-no-key", model))
