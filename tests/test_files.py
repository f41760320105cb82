"""A file is there whole or not at all, whatever happens to who writes it."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tck.cassettes.cassette import DamagedError, loads
from tck.cassettes.files import write_whole
from tck.resources import resource
from tests.helpers import REPOSITORY

OLD = resource("cassettes", "openai", "chat-stop.json").read_text(encoding="utf-8")
NEW = resource("cassettes", "openai", "chat-one-turn.json").read_text(encoding="utf-8")

# Dies by its own hand at a step of the writing, as by `kill -9` from outside.
DYING = """
import os, signal, sys
from pathlib import Path
from tck.cassettes import files

def die(*arguments, **options):
    os.kill(os.getpid(), signal.SIGKILL)

step, path, text = sys.argv[1:]
if step == "half of it":
    real = os.fdopen
    def fdopen(*arguments, **options):
        file = real(*arguments, **options)
        write = file.write
        def half(text):
            write(text[: len(text) // 2])
            file.flush()
            die()
        file.write = half
        return file
    os.fdopen = fdopen
elif step == "fsync":
    os.fsync = die
elif step == "chmod":
    Path.chmod = die
else:
    Path.replace = die
files.write_whole(Path(path), text)
"""


@pytest.mark.parametrize("step", ["half of it", "fsync", "chmod", "replace"])
def test_a_killed_recording_leaves_the_old_cassette(step: str, tmp_path: Path) -> None:
    path = tmp_path / "chat-stop.json"
    write_whole(path, OLD)
    command = [sys.executable, "-c", DYING, step, str(path), NEW]
    ended = subprocess.run(command, cwd=REPOSITORY, check=False, capture_output=True)
    assert ended.returncode == -signal.SIGKILL
    assert path.read_text(encoding="utf-8") == OLD
    for left in set(tmp_path.iterdir()) - {path}:
        assert left.suffix == ".tmp", "nothing takes it for a cassette"
        assert left.name.startswith(".")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS])
@pytest.mark.parametrize("step", ["mkstemp", "write", "fsync", "replace"])
def test_a_full_or_read_only_disk_leaves_the_old_cassette(
    step: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> NoReturn:
        raise OSError(number, os.strerror(number))

    def opened(*arguments: Any, **options: Any) -> Any:
        file = fdopen(*arguments, **options)
        file.write = fail
        return file

    path = tmp_path / "chat-stop.json"
    write_whole(path, OLD)
    fdopen = os.fdopen
    places: dict[str, tuple[object, str, Callable[..., Any]]] = {
        "mkstemp": (tempfile, "mkstemp", fail),
        "write": (os, "fdopen", opened),
        "fsync": (os, "fsync", fail),
        "replace": (Path, "replace", fail),
    }
    monkeypatch.setattr(*places[step])
    with pytest.raises(OSError, match=os.strerror(number)):
        write_whole(path, NEW)
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == [path], "no temporary file is left"
    assert path.read_text(encoding="utf-8") == OLD


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk is full here")
def test_a_disk_that_is_really_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "chat-stop.json"
    write_whole(path, OLD)
    fdopen = os.fdopen

    def full(handle: int, *arguments: Any, **options: Any) -> Any:
        os.close(handle)
        return fdopen(os.open("/dev/full", os.O_WRONLY), *arguments, **options)

    monkeypatch.setattr(os, "fdopen", full)
    with pytest.raises(OSError, match="No space left on device"):
        write_whole(path, NEW * 100)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text(encoding="utf-8") == OLD


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file")
    with pytest.raises(OSError, match=r"File exists|Not a directory"):
        write_whole(tmp_path / "kept" / "chat-stop.json", NEW)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_read_only_folder_leaves_the_old_cassette(tmp_path: Path) -> None:
    path = tmp_path / "chat-stop.json"
    write_whole(path, OLD)
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OSError, match="Permission denied"):
            write_whole(path, NEW)
    finally:
        tmp_path.chmod(0o700)
    assert path.read_text(encoding="utf-8") == OLD


def test_a_real_cassette_that_is_cut_anywhere_is_damaged() -> None:
    data = NEW.encode()
    for place in range(len(data)):
        with pytest.raises(DamagedError):
            loads(data[:place])
