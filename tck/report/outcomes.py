"""The table of outcomes: as much as the width of a terminal holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from tck.catalogue import Requirement, requirements
from tck.report.model import Report
from tck.report.page import Cell, Column, Page
from tck.report.words import ORDER, Word, word_for

_TITLE = "requirement"
_TITLE_WIDTHS = {"roomy": 26, "tight": 20}
"""Below these it is better to leave out something else than to wrap titles."""


@dataclass(frozen=True)
class _Layout:
    """What a table shows. A narrow one says the same in fewer letters."""

    title: str
    """``whole``; wrapped, ``roomy`` or ``tight``; or ``none``."""
    tier: str
    """``two`` columns, tier and level; ``one``, in which a SHOULD has no tier; or ``none``."""
    named: bool
    """Whether adapters are named above their columns, or numbered."""
    full: bool
    """Whether outcomes are whole words."""
    gap: int


def _layouts() -> Iterator[_Layout]:
    """From the roomiest to the narrowest."""
    for title, tier, named, full in (
        ("whole", "two", True, True),
        ("whole", "one", True, True),
        ("whole", "one", True, False),
        ("roomy", "one", True, True),
        ("whole", "one", False, True),
        ("whole", "one", False, False),
        ("tight", "one", False, False),
        ("tight", "none", False, False),
        ("none", "one", False, False),
        ("none", "none", False, False),
    ):
        for gap in (2, 1):
            yield _Layout(title, tier, named, full, gap)


def print_outcomes(report: Report, page: Page) -> None:
    """Print a row for each requirement and a column for each adapter.

    Where the console is too narrow for all adapters there are several tables.
    """
    _Outcomes(report, page).print()


class _Outcomes:
    def __init__(self, report: Report, page: Page) -> None:
        self._page = page
        self._adapters = report.adapters
        self._names = [page.fit(adapter.name) for adapter in report.adapters]
        self._results = [
            {result.requirement.id: result for result in adapter.shown}
            for adapter in report.adapters
        ]
        self._rows = [
            requirement
            for requirement in requirements().values()
            if any(requirement.id in results for results in self._results)
        ]

    def print(self) -> None:
        if not self._rows:
            return
        everybody = range(len(self._adapters))
        layout = next((one for one in _layouts() if self._fits(one, everybody)), None)
        if layout is not None:
            self._print(layout, everybody)
            return
        layout = _Layout("none", "none", named=False, full=False, gap=1)
        size = max(len(everybody) - 1, 1)
        while size > 1 and not self._fits(layout, everybody[:size]):
            size -= 1
        for start in everybody[::size]:
            if start:
                self._page.blank()
            self._print(layout, everybody[start : start + size])

    def _print(self, layout: _Layout, shown: Sequence[int]) -> None:
        columns = self._columns(layout, shown)
        rows = [self._row(layout, requirement, shown) for requirement in self._rows]
        self._page.table(columns, rows, layout.gap)
        if not layout.named:
            names = "  ".join(f"{number + 1}={self._names[number]}" for number in shown)
            self._page.line(names, lead="adapters: ")
        words = {
            word_for(self._results[number].get(row.id)) for number in shown for row in self._rows
        }
        if not layout.full:
            meanings = [f"{word.short}: {word.meaning}" for word in ORDER if word in words]
            self._page.line("; ".join(meanings), lead="outcomes: ")

    def _fits(self, layout: _Layout, shown: Sequence[int]) -> bool:
        columns = self._columns(layout, shown)
        total = sum(column.width for column in columns) + layout.gap * (len(columns) - 1)
        title = next((column.width for column in columns if column.head == _TITLE), 0)
        return total <= self._page.width and title >= _TITLE_WIDTHS.get(layout.title, 0)

    def _columns(self, layout: _Layout, shown: Sequence[int]) -> list[Column]:
        before = [Column("id", max(cell_len(one.id) for one in self._rows))]
        after = [
            *([Column("tier", 6)] if layout.tier != "none" else []),
            *([Column("level", 6)] if layout.tier == "two" else []),
            *(self._column(layout, number) for number in shown),
        ]
        if layout.title == "none":
            return [*before, *after]
        widest = max(cell_len(one.title) for one in self._rows)
        if layout.title in _TITLE_WIDTHS:
            others = [*before, *after]
            taken = sum(column.width for column in others) + layout.gap * len(others)
            widest = min(widest, self._page.width - taken)
        return [*before, Column(_TITLE, max(widest, len(_TITLE))), *after]

    def _column(self, layout: _Layout, number: int) -> Column:
        head = self._names[number] if layout.named else str(number + 1)
        words = (word_for(result) for result in self._results[number].values())
        widest = max((cell_len(_text(layout, word)) for word in words), default=1)
        return Column(head, max(widest, cell_len(head)))

    def _row(self, layout: _Layout, requirement: Requirement, shown: Sequence[int]) -> list[Cell]:
        cells: list[Cell] = [requirement.id]
        if layout.title != "none":
            cells.append(requirement.title)
        level = requirement.level.upper()
        if layout.tier == "two":
            cells += [requirement.tier, level]
        elif layout.tier == "one":
            cells.append(requirement.tier if requirement.level == "must" else level)
        for number in shown:
            word = word_for(self._results[number].get(requirement.id))
            cells.append((_text(layout, word), word.style))
        return cells


def _text(layout: _Layout, word: Word) -> str:
    return word.full if layout.full else word.short
