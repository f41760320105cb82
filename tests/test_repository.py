"""The repository itself: what git may not convert, it does not."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tck.cassettes.cassette import FORMAT
from tests.helpers import REPOSITORY

pytestmark = pytest.mark.skipif(
    shutil.which("git") is None or not (REPOSITORY / ".git").exists(), reason="this is no clone"
)


def _git(*arguments: str) -> list[str]:
    command = ["git", "-C", str(REPOSITORY), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [line for line in done.stdout.split("\0") if line]


def test_git_converts_no_line_ends_of_a_cassette() -> None:
    files = _git("ls-files", "-z", "*.json", "*.jsonl")
    exact = [name for name in files if name.endswith(".jsonl") or FORMAT in _text(name)]
    assert len(exact) > 60
    attributes = _git("check-attr", "-z", "text", "--", *exact)
    unprotected = [
        name
        for name, value in zip(attributes[::3], attributes[2::3], strict=True)
        if value != "unset"
    ]
    assert not unprotected, "name their folder in .gitattributes"


def _text(name: str) -> str:
    path = REPOSITORY / name
    return path.read_text(encoding="utf-8") if path.is_file() else ""
