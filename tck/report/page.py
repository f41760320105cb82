"""Lines and tables that fit a terminal: nothing is wider than it, and no word is broken."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from tck.report.texts import printable, shortened

_LONGEST_NAME = 100
_LONGEST_WORD = 500

Piece = str | tuple[str, str]
"""A text, or a text and its style. Its markup is not read, whoever wrote it."""
Cell = Piece


class Page:
    """Writes to a console what may hold anything."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.width = max(console.width, 20)
        # Whoever pipes the lines somewhere wants to search them, and narrows them if need be.
        self._wraps = console.is_terminal or "COLUMNS" in os.environ

    def line(self, *pieces: Piece, lead: str = "", indent: int = 0, hang: int = 0) -> None:
        """Write a paragraph, which is wrapped between words where the console has a width.

        Args:
            pieces: a line end in one begins a new line.
            lead: what stands before the first line; the others are as far in.
            indent: blanks before every line.
            hang: blanks before every line but the first.
        """
        text = self._text(pieces)
        hang = hang or cell_len(lead)
        if self._wraps:
            room = max(self.width - indent - hang, 10)
            lines = list(text.wrap(self.console, room, tab_size=4))
        else:
            lines = list(text.split("\n", allow_blank=True))
        for number, line in enumerate(lines or [Text()]):
            whole = Text(" " * indent + (" " * hang if number else lead)) + line
            whole.rstrip()
            self._write(whole)

    def blank(self) -> None:
        """Write an empty line."""
        self._write(Text())

    def command(self, words: Sequence[str], indent: int = 0) -> None:
        """Write a shell command that can be copied as it stands, or nothing if it cannot be.

        Args:
            words: what the shell is to make of it. Where it needs several lines, these end in a
                backslash.
            indent: blanks before it.
        """
        if any(self.fit(word, _LONGEST_WORD) != word for word in words):
            return
        quoted = [shlex.quote(word) for word in words]
        lines = [quoted[0]]
        for word in quoted[1:]:
            if self._wraps and indent + cell_len(f"{lines[-1]} {word} \\") > self.width:
                lines[-1] += " \\"
                lines.append(word)
            else:
                lines[-1] += f" {word}"
        for number, line in enumerate(lines):
            # A long argument has the whole width.
            self._write(Text(" " * (0 if number else indent) + line, style="bold"))

    def fit(self, text: str, longest: int = _LONGEST_NAME) -> str:
        """A name, in one line that this console can show."""
        return printable(shortened(text, longest), self.console.encoding).replace("\n", "\\n")

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[Cell]], gap: int) -> None:
        """Write a table: every column is as wide as it says, and its cells are wrapped."""
        ascii_only = not self.console.encoding.startswith("utf")
        rule = "-" if ascii_only else "─"
        self._row(columns, [(column.head, "bold") for column in columns], gap)
        total = sum(column.width for column in columns) + gap * (len(columns) - 1)
        self._write(Text(rule * total, style="dim"))
        for row in rows:
            self._row(columns, row, gap)

    def _row(self, columns: Sequence[Column], row: Sequence[Cell], gap: int) -> None:
        cells = [
            list(self._text([cell]).wrap(self.console, column.width, tab_size=4))
            for column, cell in zip(columns, row, strict=True)
        ]
        for number in range(max(map(len, cells))):
            line = Text()
            for place, (column, lines) in enumerate(zip(columns, cells, strict=True)):
                piece = lines[number] if number < len(lines) else Text()
                piece.rstrip()
                line.append_text(piece)
                if place + 1 < len(columns):
                    line.append(" " * (column.width - piece.cell_len + gap))
            line.rstrip()
            self._write(line)

    def _text(self, pieces: Sequence[Piece]) -> Text:
        text = Text()
        for piece in pieces:
            content, style = (piece, "") if isinstance(piece, str) else piece
            text.append(printable(content, self.console.encoding), style=style)
        return text

    def _write(self, text: Text) -> None:
        self.console.print(text, soft_wrap=True, highlight=False)


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    head: str
    width: int


def listed(ids: Sequence[str], order: Sequence[str]) -> str:
    """Ids in a row, of which three or more that follow one another are ``FIRST to LAST``.

    Args:
        ids: in the order of ``order``.
        order: all ids that there are.
    """
    runs: list[list[str]] = []
    for name in ids:
        last = runs[-1][-1] if runs else None
        follows = last is not None and order.index(name) == order.index(last) + 1
        if follows and last is not None and name.partition("-")[0] == last.partition("-")[0]:
            runs[-1].append(name)
        else:
            runs.append([name])
    return ", ".join(f"{run[0]} to {run[-1]}" if len(run) > 2 else ", ".join(run) for run in runs)
