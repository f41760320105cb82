"""How a new recording of a scenario differs from the old one, in shape.

Responses are compared with those of equal status: the names of their headers, the media type,
and the paths of their JSON. A body that is not JSON is compared by its media type alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tck.cassettes.cassette import Cassette, RecordedResponse
from tck.drift.schemas import Finding, Node, findings
from tck.drift.shapes import Change, Shape, compare, merged, shape_of_body
from tck.wire.dialects.model import Dialect, Route

_CIRCUMSTANCES = ("model", "server", "client", "http")
"""What of the passport can be the reason of a drift."""


class Outcome(StrEnum):
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
        return self in (Outcome.SAME, Outcome.CHANGED)


@dataclass(frozen=True)
class StatusChange:
    """A change, and the status of the responses that show it; ``None`` for that of the status."""

    status: int | None
    change: Change


@dataclass(frozen=True)
class SdkModel:
    """An SDK's own model of a response."""

    name: str
    """``module:class``."""
    schema: Node | None
    """Its JSON schema, or ``None`` when it cannot be had."""
    problem: str = ""
    """Why it cannot be had, such as ``not installed``."""


@dataclass(frozen=True)
class SdkFinding:
    """Where the new recording and the SDK's model disagree."""

    finding: Finding
    newly: bool
    """Whether the old recording did not disagree so."""


@dataclass(frozen=True)
class SdkView:
    """What an SDK's model says of the new recording of one scenario."""

    model: SdkModel
    findings: tuple[SdkFinding, ...] = ()


@dataclass(frozen=True)
class ScenarioDrift:
    """What became of one scenario."""

    scenario: str
    outcome: Outcome
    problem: str = ""
    """Why nothing was compared."""
    changes: tuple[StatusChange, ...] = ()
    circumstances: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """What of the passport is another now: its name, the old value, the new one."""
    sdk: tuple[SdkView, ...] = ()


def drift_of(
    scenario: str,
    old: Cassette,
    new: Cassette,
    dialect: Dialect,
    models: Mapping[Route, SdkModel],
) -> ScenarioDrift:
    """Compare two recordings of a scenario, and the new one with the SDK's models.

    Args:
        scenario: its name.
        old: the recording that is kept.
        new: the recording that was just made.
        dialect: what the adapter speaks; it tells which response is for which model.
        models: the SDK's models of successful responses.
    """
    changes = tuple(_changes(old, new))
    outcome = Outcome.CHANGED if changes else Outcome.SAME
    if any(one.change.hard for one in changes):
        outcome = Outcome.DRIFTED
    return ScenarioDrift(
        scenario,
        outcome,
        changes=changes,
        circumstances=_circumstances(old, new),
        sdk=tuple(_sdk_views(old, new, dialect, models)),
    )


def _changes(old: Cassette, new: Cassette) -> Iterator[StatusChange]:
    for change in compare(_shape_of_statuses(old), _shape_of_statuses(new)):
        yield StatusChange(None, change)
    before, after = _by_status(old), _by_status(new)
    for status in sorted(before.keys() & after.keys()):
        for change in compare(before[status], after[status]):
            yield StatusChange(status, change)


def _shape_of_statuses(cassette: Cassette) -> Shape:
    """The statuses as if they were types: one that is new is a retype."""
    statuses = frozenset(str(one.response.status) for one in cassette.interactions)
    return {("status",): statuses} if statuses else {}


def _by_status(cassette: Cassette) -> dict[int, Shape]:
    responses = [interaction.response for interaction in cassette.interactions]
    return {
        status: merged(_shape_of_response(one) for one in responses if one.status == status)
        for status in {one.status for one in responses}
    }


def _shape_of_response(response: RecordedResponse) -> Shape:
    """The shape of a body, and beside it the headers, a media type being the type of its header."""
    headers: Shape = {
        (f"header {name}",): frozenset(
            {value.partition(";")[0].strip().lower() if name == "content-type" else "string"}
        )
        for name, value in response.headers.items()
    }
    return merged([headers, shape_of_body(response.body)])


def _circumstances(old: Cassette, new: Cassette) -> dict[str, tuple[str, str]]:
    pairs = {
        name: (str(old.passport.get(name, "")), str(new.passport.get(name, "")))
        for name in _CIRCUMSTANCES
    }
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _sdk_views(
    old: Cassette, new: Cassette, dialect: Dialect, models: Mapping[Route, SdkModel]
) -> Iterator[SdkView]:
    for route, model in models.items():
        responses = list(_successes(new, dialect, route))
        if not responses:
            continue
        if model.schema is None:
            yield SdkView(model)
            continue
        before = {
            (one.kind, one.path)
            for one in findings(_shape_of_bodies(_successes(old, dialect, route)), model.schema)
        }
        after = findings(_shape_of_bodies(responses), model.schema)
        yield SdkView(
            model, tuple(SdkFinding(one, (one.kind, one.path) not in before) for one in after)
        )


def _successes(cassette: Cassette, dialect: Dialect, route: Route) -> Iterator[RecordedResponse]:
    for interaction in cassette.interactions:
        request, response = interaction.request, interaction.response
        if response.status == 200 and dialect.route(request.method, request.path) == route:
            yield response


def _shape_of_bodies(responses: Iterable[RecordedResponse]) -> Shape:
    return merged(shape_of_body(response.body) for response in responses)
