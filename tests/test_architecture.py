"""Imports run one way, SDKs are imported late, and the plugin is light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import llm
import llm.backends
from tests.helpers import REPOSITORY

# Who may import whom inside `tck`: a part imports only parts of lower or equal rank.
RANKS = {
    "adapter": 0,
    "verdicts": 0,
    "namesakes": 0,
    "resources": 0,
    "machine": 1,
    "catalogue": 0,
    "building": 1,
    "grading": 1,
    "bundled": 2,
    "wire": 2,
    "cassettes": 3,
    "checks": 4,
    "drift": 4,
    "report": 5,
    "run": 6,
    "commands": 7,
    "plugin": 7,
    "cli": 8,
    "__main__": 9,
}
SDKS = {"openai", "anthropic", "litellm", "sentence_transformers", "torch", "httpx", "httpx2"}


def _modules(package: str) -> list[Path]:
    return sorted((REPOSITORY / package).rglob("*.py"))


def _imports(path: Path) -> list[tuple[str, bool]]:
    """Absolute names of all imported modules, and whether only for type checking."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) in typing_only) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found += [(name, id(node) in typing_only) for name in names]
    return found


def _part(path: Path) -> str:
    return path.relative_to(REPOSITORY / "tck").parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", _modules("tck"), ids=str)
def test_imports_inside_tck_run_one_way(path: Path) -> None:
    if _part(path) == "__init__":
        return
    for name, typing_only in _imports(path):
        parts = name.split(".")
        if parts[0] == "tck" and len(parts) > 1 and parts[1] in RANKS and not typing_only:
            assert RANKS[parts[1]] <= RANKS[_part(path)], f"{path.name} imports {name}"


def test_every_part_of_tck_has_a_rank() -> None:
    assert {_part(path) for path in _modules("tck")} - {"__init__"} == set(RANKS)


@pytest.mark.parametrize("path", _modules("tck"), ids=str)
def test_tck_uses_only_the_public_names_of_llm(path: Path) -> None:
    # The second contract is no part of `llm/__init__.py`, and as public.
    public = {*llm.__all__, *(f"backends.{name}" for name in llm.backends.__all__)}
    for name, _ in _imports(path):
        if name.split(".")[0] == "llm":
            assert name.removeprefix("llm.") in public, f"{path.name} imports {name}"


@pytest.mark.parametrize("path", _modules("llm"), ids=str)
def test_llm_never_imports_tck(path: Path) -> None:
    assert not [name for name, _ in _imports(path) if name.split(".")[0] == "tck"]


@pytest.mark.parametrize("path", [*_modules("llm"), *_modules("tck")], ids=str)
def test_only_adapters_know_sdks(path: Path) -> None:
    imported = {name.split(".")[0] for name, typing_only in _imports(path) if not typing_only}
    assert not imported & SDKS, "SDKs are imported when an adapter is built, by import_sdk()"


@pytest.mark.parametrize("path", _modules("tck/checks"), ids=str)
def test_checks_know_nothing_of_pytest_terminals_or_files(path: Path) -> None:
    imported = {name.split(".")[0] for name, _ in _imports(path)}
    assert not imported & {"pytest", "rich", "pathlib", "os", "io"}


def _loaded_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(' '.join(sys.modules))"
    command = [sys.executable, "-c", code]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def test_importing_llm_loads_no_sdk_and_little_else() -> None:
    loaded = _loaded_after("import llm")
    assert not loaded & SDKS
    assert not loaded & {"pydantic", "asyncio", "json"}, "a name is loaded when it is used"
    everything = _loaded_after("from llm import *; import llm.backends")
    assert not everything & (SDKS | {"tenacity"})


def test_the_plugin_loads_nothing_but_itself() -> None:
    extra = _loaded_after("import pytest, tck.plugin") - _loaded_after("import pytest")
    ours = {name for name in extra if name.partition(".")[0] in ("tck", "llm")}
    assert ours == {"tck", "tck.adapter", "tck.plugin"}
    assert not extra & {"pydantic", "rich", "vcr", "h11", *SDKS}


def test_public_names_of_llm() -> None:
    assert len(llm.__all__) == 16
    assert set(llm.__all__) <= set(dir(llm))
    for name in llm.__all__:
        assert getattr(llm, name).__name__ == name
        assert "Source: the provider API reference" in getattr(llm, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'Chat'"):
        llm.Chat  # noqa: B018
