"""What a run found, in the one form that every reporter reads."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol, Self

from tck import __version__
from tck.catalogue import EDITION, Capability, Requirement, Tier, denominator, requirements
from tck.grading import Grade, Outcome, Result, grade, withholding
from tck.verdicts import Finding

NOT_RUN = "not-run"
"""The cause of a requirement that was deselected, or never reached."""

_TIERS: tuple[Tier, ...] = ("bronze", "silver")


@dataclass(frozen=True)
class Declaration:
    """What an adapter's description says, as plain data that any process can read."""

    name: str
    capabilities: tuple[Capability, ...]
    """Sorted."""
    model: str
    embedding_model: str | None
    wire: str | None
    """The name of its dialect; ``None`` for an adapter that runs in the process."""
    limits: Mapping[str, str]

    def as_data(self) -> dict[str, Any]:
        """Plain data, as JSON has it."""
        return asdict(self)

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """What `as_data` made."""
        return cls(**{**data, "capabilities": tuple(data["capabilities"])})


@dataclass(frozen=True)
class Environment:
    """Where the adapters were graded."""

    python: str = ""
    platform: str = ""
    packages: Mapping[str, str] = field(default_factory=dict)
    """Versions of the distributions that count: SDKs and HTTP libraries that were loaded, and
    hypothesis, which decides what is drawn."""
    workers: int = 0
    """How many processes assessed at once; 0 means that it was this one."""


@dataclass(frozen=True)
class AdapterReport:
    """One adapter: the outcome of every requirement in the denominator, and the grade."""

    name: str
    """As its description says; as the command line says where that could not be loaded."""
    target: str
    """How it is called on the command line."""
    results: tuple[Result, ...]
    declaration: Declaration | None
    """``None`` where the adapter could not be loaded."""
    contacted: tuple[str, ...] = ()
    """Hosts beyond loopback that were tried while it was loaded, or while no check ran."""
    selected: frozenset[str] | None = None
    """Ids of the requirements that were asked for; ``None``: all."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """How long each requirement took, by its id."""

    @property
    def grade(self) -> Grade:
        """What it has earned; nothing by a part of the catalogue."""
        if self.contacted or self.selected is not None:
            return Grade.NONE
        return grade(self.results)

    @property
    def shown(self) -> tuple[Result, ...]:
        """The results that were asked for."""
        if self.selected is None:
            return self.results
        return tuple(one for one in self.results if one.requirement.id in self.selected)

    @property
    def highest_tier(self) -> Tier | None:
        """The highest tier of what the adapter declares."""
        tiers = {one.requirement.tier for one in self.results if one.requirement.level == "must"}
        return max(tiers, key=_TIERS.index, default=None)

    def reaches(self, tier: Tier | None) -> bool:
        """Whether all is well: with a selection, its MUSTs; else whether the grade is ``tier``.

        Args:
            tier: ``None`` asks for the highest that there is.
        """
        if self.selected is not None:
            return not self.contacted and not any(
                one.requirement.level == "must" and not one.outcome.fine for one in self.shown
            )
        asked = tier or self.highest_tier
        return asked is not None and self.grade.rank >= Grade(asked).rank

    @property
    def withheld_by(self) -> tuple[Result, ...]:
        """What keeps the adapter from the highest tier that it could reach."""
        tiers = _TIERS[: _TIERS.index(self.highest_tier) + 1] if self.highest_tier else ()
        return tuple(result for tier in tiers for result in withholding(self.results, tier))


@dataclass(frozen=True)
class Report:
    """A whole run."""

    adapters: tuple[AdapterReport, ...]
    environment: Environment = field(default_factory=Environment)
    selection: str | None = None
    """The expression of ``-k``; ``None`` where the whole catalogue was asked for."""
    interrupted: bool = False
    seconds: float = 0.0
    """How long the run took."""
    version: str = __version__
    catalogue: str = EDITION

    @property
    def kit_faults(self) -> tuple[Result, ...]:
        return tuple(
            result for adapter in self.adapters for result in adapter.results if result.kit_fault
        )


class Watcher(Protocol):
    """Is told what happens in a run, while it happens."""

    def planned(self, target: str, requirements: Collection[Requirement]) -> None:
        """These requirements of an adapter are going to be assessed.

        Told again with fewer when it turns out what the adapter declares.
        """

    def loaded(self, target: str, declaration: Declaration) -> None:
        """The adapter is known now."""

    def began(self, target: str, requirement: Requirement) -> None:
        """A requirement is being assessed."""

    def ended(self, target: str, result: Result, seconds: float) -> None:
        """It has been."""


def unrun(requirement: Requirement, why: str, cause: str, look_at: str = "") -> Result:
    """The result of a requirement that nobody has checked."""
    finding = Finding(f"evidence for: {requirement.title}", why, look_at, cause)
    return Result(requirement, Outcome.NOT_VERIFIED, finding=finding)


def report_on(
    target: str,
    declaration: Declaration | None,
    results: Mapping[str, Result],
    *,
    contacted: tuple[str, ...] = (),
    selected: frozenset[str] | None = None,
    seconds: Mapping[str, float] | None = None,
) -> AdapterReport:
    """Put an adapter's results into their denominator.

    Args:
        target: how the adapter is called on the command line.
        declaration: what it declares; ``None`` where it could not be loaded, whose denominator
            is the whole catalogue.
        results: by id of the requirement. A requirement that has none was not run, for
            whatever reason, and is not verified.
        contacted: see `AdapterReport`.
        selected: see `AdapterReport`.
        seconds: see `AdapterReport`.
    """
    asked = denominator(declaration.capabilities) if declaration else requirements().values()
    return AdapterReport(
        declaration.name if declaration else target,
        target,
        tuple(
            results.get(requirement.id) or unrun(requirement, "it was not run", NOT_RUN)
            for requirement in asked
        ),
        declaration,
        contacted,
        selected,
        seconds or {},
    )
