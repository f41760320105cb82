"""Whatever an adapter does to its process, the run says what, and gives no grade."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tck.cli import main
from tck.commands import run as run_command
from tck.commands.statuses import INTERRUPTED, KIT_FAILED, NOT_REACHED, OK
from tck.run import pool, process
from tests.helpers import valid_report

AT_IMPORT = {
    "import sys; sys.exit(0)": "raised SystemExit: 0",
    "import os; os._exit(0)": "the process ended with exit status 0",
    "import pytest; pytest.skip('x', allow_module_level=True)": "raised Skipped: x",
    "import ctypes; ctypes.string_at(0)": "the process ended by signal SIGSEGV",
    "import os; os.kill(os.getpid(), 9)": "the process was killed from outside",
    "class Odd(BaseException): pass\nraise Odd('x')": "raised Odd: x",
    "class Bad(Exception):\n def __str__(self): raise ValueError\nraise Bad": "raised Bad",
    "def broken(:": "raised SyntaxError",
    "import no_such_package": "raised ModuleNotFoundError: No module named 'no_such_package'",
    "import time; time.sleep(3600)": "nothing within",
}


@pytest.fixture(autouse=True)
def _impatient(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorter limits, where something hangs and no limit can strike what does not."""
    monkeypatch.setattr(run_command, "usual_workers", lambda: 1)
    if re.search("sleep|hold_the_lock|ignores|does_not_end", request.node.name):
        monkeypatch.setattr(pool, "LOAD_LIMIT", 3.0 if "call" not in request.node.name else 60.0)
        monkeypatch.setattr(pool, "STALL_LIMIT", 1.5)
        monkeypatch.setattr(pool, "EXIT_LIMIT", 1.0)
        monkeypatch.setattr(pool, "_measured", lambda: 1.0)


def _graded(
    capsys: pytest.CaptureFixture[str], *arguments: str, status: int = NOT_REACHED
) -> dict[str, Any]:
    assert main(["run", "--json=-", *arguments]) == status
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    (adapter,) = valid_report(captured.out)["adapters"]
    adapter["told"] = captured.err
    return dict(adapter)


def _counts(adapter: dict[str, Any]) -> Counter[str]:
    return Counter(one["outcome"] for one in adapter["requirements"])


@pytest.mark.parametrize("text", AT_IMPORT, ids=lambda text: re.sub(r"\\W+", "_", text)[-20:])
def test_an_adapter_that_cannot_be_imported(
    text: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> None:
    module = f"unloadable_{request.node.callspec.indices['text']}"
    (tmp_path / f"{module}.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    adapter = _graded(capsys, f"{module}:adapter")
    assert adapter["name"] == f"{module}:adapter"
    assert adapter["grade"] == "none"
    assert _counts(adapter) == {"not_verified": 71}
    findings = {json.dumps(one["finding"]) for one in adapter["requirements"]}
    assert len(findings) == 1, "one cause is told once"
    finding = adapter["requirements"][0]["finding"]
    assert finding["cause"] == "not-loaded"
    assert AT_IMPORT[text] in finding["seen"]
    assert " ".join(adapter["told"].split()).count(AT_IMPORT[text]) == 1


ENDS = {
    "os_exit": "process-ended:0",
    "segfault": "process-ended:SIGSEGV",
    "kill_group": "process-killed",
    "close_files": "process-killed",
    "sleep": "hangs",
    "hold_the_lock": "hangs",
}


@pytest.mark.parametrize("deed", ENDS)
def test_a_call_that_ends_or_hangs_its_process(
    deed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    adapter = _graded(capsys, f"tests.misbehaving:call_{deed}", "-n", "2")
    assert adapter["grade"] == "none"
    causes = Counter(one["finding"]["cause"] for one in adapter["requirements"] if one["finding"])
    # The second process may be at work when the third kill is counted.
    assert causes[ENDS[deed]] in (3, 4)
    assert causes["stopped"] == sum(causes.values()) - causes[ENDS[deed]]
    failed = [one["id"] for one in adapter["requirements"] if one["outcome"] == "failed"]
    assert all(name in adapter["told"] for name in failed)


@pytest.mark.parametrize("deed", ["os_exit", "segfault", "sleep"])
def test_a_factory_that_ends_or_hangs_its_process(
    deed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    adapter = _graded(capsys, f"tests.misbehaving:factory_{deed}", "-n", "1")
    assert _counts(adapter) == {"not_verified": 71}
    assert "calling its first factory" in adapter["requirements"][0]["finding"]["seen"]


@pytest.mark.parametrize(
    ("when", "deed"),
    [
        *(("call", deed) for deed in ("sys_exit", "skip", "interrupt", "generator_exit", "odd")),
        *(("factory", deed) for deed in ("sys_exit", "skip", "interrupt")),
    ],
)
def test_what_is_raised_is_the_adapters_fault(
    when: str, deed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    adapter = _graded(capsys, f"tests.misbehaving:{when}_{deed}", "-k", "CHAT-0")
    assert _counts(adapter)["failed"] >= 7
    assert not [
        one
        for one in adapter["requirements"]
        if one["finding"] and "kit" in one["finding"]["cause"]
    ]


@pytest.mark.parametrize("deed", ["stop_the_loop", "exit_in_a_task", "recursion", "canned"])
def test_other_calls_that_end_badly(deed: str, capsys: pytest.CaptureFixture[str]) -> None:
    adapter = _graded(capsys, f"tests.misbehaving:call_{deed}", "-k", "CHAT-0 or CHAT-14")
    assert _counts(adapter)["failed"] >= 8


def test_a_call_that_ignores_cancellation(capsys: pytest.CaptureFixture[str]) -> None:
    adapter = _graded(capsys, "tests.misbehaving:call_deaf", "-k", "CHAT-0", "-n", "1")
    assert (
        Counter(one["finding"]["cause"] for one in adapter["requirements"] if one["finding"])[
            "hangs"
        ]
        == pool.KILLS
    )


def test_a_process_that_is_ended_between_two_calls(capsys: pytest.CaptureFixture[str]) -> None:
    adapter = _graded(capsys, "tests.misbehaving:call_later")
    assert _counts(adapter)["failed"] >= 1


@pytest.mark.parametrize("deed", ["threads", "at_exit"])
def test_a_process_that_does_not_end(deed: str, capsys: pytest.CaptureFixture[str]) -> None:
    adapter = _graded(capsys, f"tests.misbehaving:call_{deed}", "-n", "1")
    causes = {one["finding"]["cause"] for one in adapter["requirements"] if one["finding"]}
    assert causes == {"left-running"}
    assert adapter["grade"] == "none"


def _sleeping() -> list[str]:
    return _pgrep("-f", "sleep 3607")


def _pgrep(*arguments: str) -> list[str]:
    found = subprocess.run(["pgrep", *arguments], capture_output=True, text=True, check=False)
    return found.stdout.split()


def test_the_children_of_an_adapter_end_with_it(capsys: pytest.CaptureFixture[str]) -> None:
    _graded(capsys, "tests.misbehaving:call_children", "-k", "CHAT-04", status=OK)
    assert not _sleeping()


def test_what_an_adapter_prints_is_not_in_the_report(capsys: pytest.CaptureFixture[str]) -> None:
    adapter = _graded(capsys, "tests.misbehaving:call_print", "-k", "CHAT-04", status=OK)
    assert "boo" not in adapter["told"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_tells_what_was_found(number: int, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    command = [sys.executable, "-m", "tck", "run", "tests.misbehaving:call_never"]
    with subprocess.Popen(
        [*command, "-n", "2", f"--json={path}"],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        deadline = time.monotonic() + 60
        while len(_pgrep("-P", str(process.pid))) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(process.pid, number)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == INTERRUPTED
    assert "interrupted" in output
    report = valid_report(path.read_text())
    assert report["partial"]["interrupted"] is True
    assert report["adapters"][0]["grade"] == "none"


def test_a_worker_that_cannot_start_is_a_fault_of_the_kit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(process, "_START", "raise SystemExit({path!r} and {pipe} and 9)")
    adapter = _graded(capsys, "tests.misbehaving:call_print", status=KIT_FAILED)
    assert adapter["requirements"][0]["finding"]["seen"].startswith("kit error: a worker process")


def test_a_busy_machine_is_a_fault_of_the_kit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pool, "STALL_LIMIT", 0.5)
    monkeypatch.setattr(pool, "_measured", lambda: 2.0)
    arguments = ("tests.misbehaving:call_sleep", "-k", "CHAT-04")
    adapter = _graded(capsys, *arguments, status=KIT_FAILED)
    (finding,) = [one["finding"] for one in adapter["requirements"] if one["id"] == "CHAT-04"]
    assert finding["cause"] == "late-machine"
    assert "2.0 times as long" in finding["seen"]
