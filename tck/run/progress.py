"""What is known of each adapter while a run goes on."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from tck.catalogue import Requirement, denominator, requirements
from tck.grading import Outcome, Result
from tck.report.model import AdapterReport, Declaration, report_on
from tck.verdicts import Finding


@dataclass
class Progress:
    """One adapter: what is still to be assessed, and what has been found.

    Args:
        argument: how it is called on the command line.
        selected: ids of the requirements that are asked for; ``None`` for all.
    """

    argument: str
    selected: frozenset[str] | None
    examples: int
    declaration: Declaration | None = None
    todo: deque[Requirement] = field(default_factory=deque)
    results: dict[str, Result] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    hosts: set[str] = field(default_factory=set)
    """All that were contacted, by checks and beside them."""
    loading: set[str] = field(default_factory=set)
    """Those that were contacted while it was loaded."""
    packages: dict[str, str] = field(default_factory=dict)
    kills: int = 0
    """How often its process has ended or was killed."""
    lost: float = 0.0
    """Seconds spent on checks that hang."""

    def __post_init__(self) -> None:
        self.todo.extend(self._asked(requirements().values()))

    def declare(self, declaration: Declaration) -> None:
        """Leave out what it does not declare."""
        if self.declaration is None:
            self.declaration = declaration
            declared = set(denominator(declaration.capabilities))
            self.todo = deque(one for one in self.todo if one in declared)

    def add(self, result: Result, seconds: float) -> None:
        """Keep what was found."""
        self.results[result.requirement.id] = result
        self.seconds[result.requirement.id] = seconds

    def give_up(self, finding: Finding, *, kit_fault: bool = False) -> None:
        """Assess no more: the rest is not verified, because of one finding."""
        while self.todo:
            requirement = self.todo.popleft()
            self.results[requirement.id] = Result(
                requirement, Outcome.NOT_VERIFIED, finding=finding, kit_fault=kit_fault
            )

    def report(self) -> AdapterReport:
        """What there is to say of it now."""
        told = {
            host
            for result in self.results.values()
            for host in result.contacted
            if result.requirement.level == "must" and not result.outcome.fine
        }
        return report_on(
            self.argument,
            self.declaration,
            self.results,
            contacted=tuple(sorted(self.loading | (self.hosts - told))),
            selected=self.selected,
            seconds=self.seconds,
        )

    def _asked(self, candidates: Iterable[Requirement]) -> list[Requirement]:
        return [one for one in candidates if self.selected is None or one.id in self.selected]
