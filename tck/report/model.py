"""What a run found, in the one form that every reporter reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol, Self, get_args

from tck import __version__
from tck.catalogue import EDITION, Capability, Requirement, Tier, denominator, requirements
from tck.grading import Grade, Outcome, Result, grade, withholding
from tck.verdicts import BEHAVIOUR, Finding

NOT_RUN = "not-run"
"""The cause of a requirement that was deselected, or never reached."""

TIERS: tuple[Tier, ...] = ("bronze", "silver")
"""Lowest first."""


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
class Grouped:
    """One finding, with every requirement that has it."""

    finding: Finding
    """As the first requirement has it."""
    results: tuple[Result, ...]
    """At least one, in the order of the catalogue."""

    @property
    def cause(self) -> str:
        """See `Finding.cause`."""
        return self.finding.cause

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(result.requirement.id for result in self.results)

    @property
    def withholds(self) -> tuple[str, ...]:
        """Ids of its MUSTs; its SHOULDs are advice, and withhold nothing."""
        return tuple(
            result.requirement.id for result in self.results if result.requirement.level == "must"
        )

    @property
    def kit_fault(self) -> bool:
        """Whether it is a fault of the kit, and says nothing about the adapter."""
        return self.results[0].kit_fault

    @property
    def others_seen(self) -> Mapping[str, str]:
        """What else was seen for the same cause: each distinct text, by the first id with it."""
        texts = {self.finding.seen}
        others: dict[str, str] = {}
        for result in self.results:
            if result.finding and result.finding.seen not in texts:
                texts.add(result.finding.seen)
                others[result.requirement.id] = result.finding.seen
        return others


@dataclass(frozen=True)
class Standing:
    """How an adapter stands with a tier."""

    tier: Tier
    reached: bool
    withheld_by: tuple[Result, ...]
    """The MUSTs of this tier and of those below it that keep the adapter from it."""
    reason: str
    """Why it is not reached, where that is more than what `withheld_by` says; else empty."""


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
    interrupted: bool = False
    """Whether the run ended before its time; a `Report` that was interrupted sets it."""

    @property
    def grade(self) -> Grade:
        """What it has earned; nothing by a part of the catalogue."""
        if self.contacted or self.partial:
            return Grade.NONE
        return grade(self.results)

    @property
    def partial(self) -> bool:
        """Whether this is about a part of the catalogue only, which earns no grade."""
        return self.interrupted or self.selected is not None

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
        return max(tiers, key=TIERS.index, default=None)

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
        return () if self.highest_tier is None else self.standing(self.highest_tier).withheld_by

    def standing(self, tier: Tier) -> Standing:
        """Whether ``tier`` is reached, and what withholds it; only of what was asked for."""
        reached = self.grade.rank >= Grade(tier).rank
        up_to = TIERS[: TIERS.index(tier) + 1]
        by = tuple(result for one in up_to for result in withholding(self.shown, one))
        return Standing(tier, reached, by, "" if reached else self._reason(tier, bool(by)))

    def _reason(self, tier: Tier, withheld: bool) -> str:
        if self.interrupted:
            return "the run was interrupted"
        if self.selected is not None:
            return "a part of the catalogue has no grade"
        if self.contacted:
            return f"{', '.join(self.contacted)} was contacted"
        if withheld:
            return ""
        declared = {one.requirement.tier for one in self.results if one.requirement.level == "must"}
        return (
            "nothing of this tier has passed"
            if tier in declared
            else "nothing that it declares has a MUST of this tier"
        )

    @property
    def next_tier(self) -> Standing | None:
        """The lowest tier that it could reach and has not; ``None`` where it has them all."""
        if self.highest_tier is None:
            return None
        up_to = TIERS[: TIERS.index(self.highest_tier) + 1]
        standings = (self.standing(tier) for tier in up_to)
        return next((one for one in standings if not one.reached), None)

    @property
    def findings(self) -> tuple[Grouped, ...]:
        """Each finding among the results that were asked for, once.

        Findings of one cause are one, unless the cause is `BEHAVIOUR`. Requirements that were
        not run are one too, with the cause `NOT_RUN`.
        """
        groups: dict[tuple[str, str, bool], Grouped] = {}
        for result in self.shown:
            found = result.finding
            if found is None:
                continue
            alone = result.requirement.id if found.cause == BEHAVIOUR else ""
            key = (found.cause, alone, result.kit_fault)
            before = groups.get(key, Grouped(found, ()))
            groups[key] = replace(before, results=(*before.results, result))
        return tuple(groups.values())

    @property
    def not_declared(self) -> tuple[Capability, ...]:
        """Capabilities that it could have declared, sorted.

        None where the adapter could not be loaded: it may declare them all.
        """
        if self.declaration is None:
            return ()
        return tuple(sorted(set(get_args(Capability)) - set(self.declaration.capabilities)))


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

    def __post_init__(self) -> None:
        # Whoever reads an adapter's grade need not know of the report that it stands in.
        if self.interrupted:
            marked = tuple(replace(adapter, interrupted=True) for adapter in self.adapters)
            object.__setattr__(self, "adapters", marked)

    @property
    def partial(self) -> bool:
        """Whether this is about a part of the catalogue only, which earns no grade."""
        return self.interrupted or any(adapter.partial for adapter in self.adapters)

    @property
    def kit_faults(self) -> tuple[Result, ...]:
        return tuple(
            result for adapter in self.adapters for result in adapter.results if result.kit_fault
        )


def counts(results: Collection[Result]) -> dict[Outcome, int]:
    """How many results have each outcome; all outcomes are there."""
    found = Counter(result.outcome for result in results)
    return {outcome: found[outcome] for outcome in Outcome}


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
