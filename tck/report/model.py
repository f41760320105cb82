"""What a run found, in the one form that every reporter reads."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from tck import __version__
from tck.catalogue import EDITION, Capability, Requirement, Tier, denominator
from tck.grading import Grade, Outcome, Result, grade, withholding
from tck.verdicts import Finding

NOT_RUN = "not-run"
"""The cause of a requirement that was deselected, or never reached."""

_TIERS: tuple[Tier, ...] = ("bronze", "silver")


@dataclass(frozen=True)
class AdapterReport:
    """One adapter: the outcome of every requirement in the denominator, and the grade."""

    name: str
    results: tuple[Result, ...]
    contacted: tuple[str, ...]
    """Hosts beyond loopback that were tried while it was loaded, or while no check ran."""

    @property
    def grade(self) -> Grade:
        return Grade.NONE if self.contacted else grade(self.results)

    @property
    def highest_tier(self) -> Tier | None:
        """The highest tier of what the adapter declares."""
        tiers = {one.requirement.tier for one in self.results if one.requirement.level == "must"}
        return max(tiers, key=_TIERS.index, default=None)

    def reaches(self, tier: Tier | None) -> bool:
        """Whether the grade is at least ``tier``; ``None`` asks for the highest there is."""
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
    version: str = __version__
    catalogue: str = EDITION

    def with_contacts(
        self, loading: Mapping[str, Collection[str]], everywhere: Collection[str]
    ) -> Report:
        """The report, with hosts that were tried while no check ran.

        Args:
            loading: by adapter, the hosts that were tried while it was loaded.
            everywhere: all that were tried in the whole run. One that neither loading nor a
                check accounts for is held against every adapter: nobody knows whose it was.
        """
        told = {host for hosts in loading.values() for host in hosts}
        told |= {
            host
            for adapter in self.adapters
            for result in adapter.results
            for host in result.contacted
        }
        strays = [host for host in everywhere if host not in told]
        return replace(
            self,
            adapters=tuple(
                replace(
                    adapter,
                    contacted=tuple(
                        dict.fromkeys([*adapter.contacted, *loading.get(adapter.name, ()), *strays])
                    ),
                )
                for adapter in self.adapters
            ),
        )

    @property
    def kit_faults(self) -> tuple[Result, ...]:
        return tuple(
            result for adapter in self.adapters for result in adapter.results if result.kit_fault
        )


def unrun(requirement: Requirement, why: str, cause: str, look_at: str = "") -> Result:
    """The result of a requirement that nobody has checked."""
    finding = Finding(f"evidence for: {requirement.title}", why, look_at, cause)
    return Result(requirement, Outcome.NOT_VERIFIED, finding=finding)


def report_on(
    name: str,
    capabilities: Collection[Capability],
    results: Mapping[str, Result],
    contacted: tuple[str, ...] = (),
) -> AdapterReport:
    """Put an adapter's results into their denominator.

    Args:
        name: of the adapter.
        capabilities: that it declares.
        results: by id of the requirement. A requirement that has none was not run, for
            whatever reason, and is not verified.
        contacted: see `AdapterReport`.
    """
    return AdapterReport(
        name,
        tuple(
            results.get(requirement.id) or unrun(requirement, "it was not run", NOT_RUN)
            for requirement in denominator(capabilities)
        ),
        contacted,
    )
