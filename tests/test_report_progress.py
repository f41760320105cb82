"""What is shown while a run runs."""

from __future__ import annotations

import io
import os
import pty
import re
import threading
from collections.abc import Callable

import pytest
from rich.cells import cell_len
from rich.console import Console

from tck.catalogue import requirements
from tck.grading import Outcome
from tck.report.model import Watcher
from tck.report.progress import LiveProgress
from tests.reports import adapter, result

LONG = "a.module.of.some.length:AN_ADAPTER_OF_SOME_LENGTH"


def _tell(watcher: Watcher, target: str, outcomes: dict[str, Outcome], names: list[str]) -> None:
    """A whole adapter."""
    watcher.planned(target, [requirements()[name] for name in names])
    for name in names:
        watcher.began(target, requirements()[name])
        watcher.ended(target, result(name, outcomes.get(name, Outcome.PASSED)), 0.1)


def _piped(tell: Callable[[LiveProgress], object], **environment: str) -> str:
    file = io.StringIO()
    with LiveProgress(Console(file=file, width=40, _environ=environment)) as progress:
        tell(progress)
    return file.getvalue()


def test_a_pipe_gets_one_plain_line_per_adapter() -> None:
    names = list(requirements())

    def tell(progress: LiveProgress) -> None:
        _tell(progress, "openai", {"CHAT-04": Outcome.FAILED, "CHAT-17": Outcome.FAILED}, names)
        progress.planned(LONG, requirements().values())
        progress.loaded(LONG, adapter("long").declaration)  # type: ignore[arg-type]
        _tell(progress, LONG, {}, names[:5])

    assert _piped(tell).splitlines() == [
        "openai: 71 of 71 assessed: 69 passed, 1 FAILED, 1 advice",
        "long: 5 of 5 assessed: 5 passed",
    ]


def test_nothing_is_written_where_nothing_happened() -> None:
    assert _piped(lambda _: None) == ""


def test_an_adapter_that_was_not_finished_is_told_at_the_end() -> None:
    def tell(progress: LiveProgress) -> None:
        progress.planned("openai", requirements().values())
        progress.ended("openai", result("CHAT-01", Outcome.PASSED), 0.1)

    assert _piped(tell) == "openai: 1 of 71 assessed: 1 passed\n"


def test_a_requirement_that_is_assessed_again_counts_once() -> None:
    def tell(progress: LiveProgress) -> None:
        progress.planned("openai", [requirements()["CHAT-01"], requirements()["CHAT-02"]])
        for outcome in (Outcome.NOT_VERIFIED, Outcome.PASSED):
            progress.ended("openai", result("CHAT-01", outcome), 0.1)

    assert _piped(tell) == "openai: 1 of 2 assessed: 1 passed\n"


@pytest.mark.parametrize("environment", [{"FORCE_COLOR": "1"}, {"TERM": "dumb"}, {}])
def test_no_line_moves_in_a_pipe(environment: dict[str, str]) -> None:
    told = _piped(lambda progress: _tell(progress, "a\rb\x1b[2J", {}, ["CHAT-01"]), **environment)
    assert told == "a\\rb\\x1b[2J: 1 of 1 assessed: 1 passed\n"


def test_any_thread_may_tell() -> None:
    names = list(requirements())

    def tell(progress: LiveProgress) -> None:
        threads = [
            threading.Thread(target=_tell, args=(progress, f"adapter-{number}", {}, names))
            for number in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    lines = _piped(tell).splitlines()
    assert sorted(lines) == [f"adapter-{n}: 71 of 71 assessed: 71 passed" for n in range(6)]


def _in_a_terminal(width: int, **environment: str) -> str:
    """What a terminal gets to see of a run with two adapters."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w", encoding="utf-8") as file:
        console = Console(file=file, width=width, _environ={"TERM": "xterm", **environment})
        with LiveProgress(console) as progress:
            names = list(requirements())
            _tell(progress, "openai", {"CHAT-04": Outcome.FAILED}, names)
            progress.planned(LONG, requirements().values())
            progress.began(LONG, requirements()["CHAT-01"])
    seen = b""
    try:
        while chunk := os.read(ours, 65536):
            seen += chunk
    except OSError:
        pass  # how Linux says that the other side is closed
    os.close(ours)
    return seen.decode()


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_a_terminal_gets_lines_that_move_and_fit(width: int) -> None:
    told = _in_a_terminal(width)
    assert told.endswith("\x1b[?25h") or "\x1b[2K" in told[-20:], "nothing is left behind"
    plain = re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", told).replace("\r", "\n")
    assert max(map(cell_len, plain.splitlines())) < width
    assert re.search(r"^openai +71/71 1 FAILED", plain, re.MULTILINE)
    if width >= 80:
        assert re.search(r"0/71 ·+ CHAT-01$", plain, re.MULTILINE)


def test_a_terminal_without_colour() -> None:
    assert not re.search(r"\x1b\[[\d;]*3\dm", _in_a_terminal(80, NO_COLOR="1"))


def test_a_dumb_terminal_is_a_pipe() -> None:
    assert "\x1b" not in _in_a_terminal(80, TERM="dumb")
