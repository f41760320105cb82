"""How far a run is, while it runs."""

from __future__ import annotations

import io
import threading
from collections.abc import Collection
from contextlib import suppress
from types import TracebackType
from typing import Self, TextIO

from rich.cells import cell_len, set_cell_size
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from tck.catalogue import Requirement
from tck.grading import Result
from tck.report.model import Declaration
from tck.report.texts import printable
from tck.report.words import PASSED, tally

_WIDEST_NAME = 24
_WIDEST_BAR = 30


class LiveProgress:
    """Shows a line per adapter while the context is open, and leaves nothing behind.

    In a terminal the lines move. Elsewhere there is one plain line per adapter, when all of its
    requirements have been assessed, or when the context closes before.

    A `tck.report.model.Watcher`: any thread may tell it what happens.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lines: dict[str, _Line] = {}
        self._lock = threading.RLock()
        self._live: Live | None = None
        # FORCE_COLOR asks for colours in a pipe, and not for lines that move.
        if console.is_interactive and console.file.isatty():
            self._live = Live(
                get_renderable=self._rendered,
                console=console,
                refresh_per_second=8,
                transient=True,
                # Both streams are for the report and for whoever prints: they stay as they are.
                redirect_stdout=False,
                redirect_stderr=False,
            )

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()
        elif kind is None:
            with self._lock:
                for line in self._lines.values():
                    self._conclude(line)

    def planned(self, target: str, requirements: Collection[Requirement]) -> None:
        with self._lock:
            line = self._line(target)
            line.planned = frozenset(one.id for one in requirements)
            self._end(line)

    def loaded(self, target: str, declaration: Declaration) -> None:
        with self._lock:
            self._line(target).name = declaration.name

    def began(self, target: str, requirement: Requirement) -> None:
        with self._lock:
            self._line(target).current[requirement.id] = None

    def ended(self, target: str, result: Result, seconds: float) -> None:  # noqa: ARG002
        with self._lock:
            line = self._line(target)
            line.current.pop(result.requirement.id, None)
            line.results[result.requirement.id] = result
            self._end(line)

    def _line(self, target: str) -> _Line:
        return self._lines.setdefault(target, _Line(target))

    def _end(self, line: _Line) -> None:
        if self._live is None and line.results and line.planned <= line.results.keys():
            self._conclude(line)

    def _conclude(self, line: _Line) -> None:
        """Write the plain line of an adapter, once."""
        if not line.concluded:
            line.concluded = True
            self._console.print(line.plain(self._console.encoding), soft_wrap=True, highlight=False)

    def _rendered(self) -> Group:
        with self._lock:
            lines = list(self._lines.values())
            room = self._console.width - 1
            width = max((cell_len(line.name) for line in lines), default=0)
            name = min(width, _WIDEST_NAME, max(room // 3, 8))
            return Group(*(line.moving(room, name, self._console.encoding) for line in lines))


class Lenient(io.TextIOBase):
    """A stream that may be closed or full without anybody being told: progress is no result.

    Args:
        stream: ``None`` where there is none.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return getattr(self._stream, "encoding", None) or "utf-8"

    def isatty(self) -> bool:
        return self._stream is not None and self._stream.isatty()

    def fileno(self) -> int:
        if self._stream is None:
            raise OSError("there is no stream")
        return self._stream.fileno()

    def write(self, text: str) -> int:
        if self._stream is not None:
            with suppress(OSError, ValueError):
                self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        if self._stream is not None:
            with suppress(OSError, ValueError):
                self._stream.flush()


class _Line:
    """How far one adapter is."""

    def __init__(self, target: str) -> None:
        self.name = target
        self.planned: frozenset[str] = frozenset()
        self.results: dict[str, Result] = {}
        self.current: dict[str, None] = {}
        self.concluded = False

    @property
    def _done(self) -> list[Result]:
        return [result for name, result in self.results.items() if name in self.planned]

    def plain(self, encoding: str) -> Text:
        """The line that stays: how much was assessed, and what was found."""
        counts = ", ".join(f"{count} {word.full}" for word, count in tally(self._done))
        of = f"{len(self._done)} of {len(self.planned)} assessed"
        said = f"{self.name}: {of}" + (f": {counts}" if counts else "")
        return Text(printable(said, encoding).replace("\n", " "))

    def moving(self, room: int, name: int, encoding: str) -> Text:
        """The line as it is now, in no more cells than there are.

        Args:
            room: cells of the whole line.
            name: cells of the name.
            encoding: of the terminal.
        """
        done = self._done
        total = max(len(self.planned), len(done))
        line = Text(no_wrap=True, overflow="crop")
        line.append(set_cell_size(printable(self.name, encoding).replace("\n", " "), name), "bold")
        line.append(f" {len(done):>{len(str(total))}}/{total}")
        for word, count in tally(done):
            said = f" {count} {word.full}"
            if word is not PASSED and line.cell_len + len(said) <= room:
                line.append(said, word.style)
        bar = min(room - line.cell_len - 2, _WIDEST_BAR)
        if bar >= 5:
            full, empty = ("━", "·") if encoding.startswith("utf") else ("#", ".")
            filled = bar * len(done) // total if total else 0
            line.append(" ")
            line.append(full * filled, "green")
            line.append(empty * (bar - filled), "dim")
        current = f" {next(iter(self.current), '')}"
        if len(current) > 1 and line.cell_len + len(current) <= room:
            line.append(current, "dim")
        line.truncate(room, overflow="crop")
        return line
