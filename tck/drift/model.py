"""What `tck drift` has found, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tck.drift.schemas import Disagreement, Node
from tck.drift.shapes import Change


class DriftOutcome(StrEnum):
    """How the comparison of one scenario ended."""

    SAME = "same"
    CHANGED = "changed"
    """Something was added, or varies; nothing that was read before is amiss."""
    DRIFTED = "drifted"
    """Something was removed or retyped."""
    NOT_RECORDED = "not_recorded"
    """The scenario could not be recorded again."""
    NO_OLD = "no_old_recording"
    """There is nothing to compare with."""
    DAMAGED = "damaged"
    """The old cassette cannot be read: a fault of the kit."""

    @property
    def well(self) -> bool:
        return self in (DriftOutcome.SAME, DriftOutcome.CHANGED)


@dataclass(frozen=True)
class StatusChange:
    """A change, and the status of the responses that show it."""

    status: int | None
    """``None`` when it is the status that changed."""
    change: Change


@dataclass(frozen=True)
class SdkModel:
    """An SDK's own model of a response."""

    name: str
    """``module:class``."""
    schema: Node | None
    """Its JSON schema; ``None`` if there is none."""
    problem: str = ""
    """Why there is no schema, such as ``not installed``."""


@dataclass(frozen=True)
class SdkDisagreement:
    """Where the new recording and the SDK's model disagree."""

    disagreement: Disagreement
    newly: bool
    """Whether the old recording agreed with the model there."""


@dataclass(frozen=True)
class SdkView:
    """What an SDK's model says of the new recording of one scenario."""

    model: SdkModel
    disagreements: tuple[SdkDisagreement, ...] = ()


@dataclass(frozen=True)
class ScenarioDrift:
    """What was found for one scenario."""

    scenario: str
    outcome: DriftOutcome
    problem: str = ""
    """Why nothing was compared."""
    changes: tuple[StatusChange, ...] = ()
    circumstances: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """What of the passport has changed: its name, the old value, the new one."""
    sdk: tuple[SdkView, ...] = ()


@dataclass(frozen=True)
class AdapterDrift:
    """The scenarios of one adapter, in the order in which they were recorded."""

    name: str
    scenarios: tuple[ScenarioDrift, ...]


@dataclass(frozen=True)
class DriftReport:
    """All that one run of `tck drift` has found."""

    adapters: tuple[AdapterDrift, ...]

    @property
    def scenarios(self) -> list[ScenarioDrift]:
        return [scenario for adapter in self.adapters for scenario in adapter.scenarios]

    @property
    def kit_failed(self) -> bool:
        return any(scenario.outcome is DriftOutcome.DAMAGED for scenario in self.scenarios)

    @property
    def well(self) -> bool:
        """Whether every scenario was compared, and nothing was removed or retyped."""
        return all(scenario.outcome.well for scenario in self.scenarios)
