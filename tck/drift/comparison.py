"""How a new recording of a scenario differs from the old one, in shape.

Responses are compared with those of equal status: the names of their headers, the media type,
and the paths of their JSON. A body that is not JSON is compared by its media type alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from tck.cassettes.cassette import Cassette, RecordedResponse
from tck.drift.model import (
    DriftOutcome,
    ScenarioDrift,
    SdkDisagreement,
    SdkModel,
    SdkView,
    StatusChange,
)
from tck.drift.schemas import disagreements
from tck.drift.shapes import Shape, compare, merged, shape_of_body
from tck.wire.dialects.model import Dialect, Route

_CIRCUMSTANCES = ("model", "server", "client", "http")
"""What of the passport may explain a drift."""


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
    outcome = DriftOutcome.CHANGED if changes else DriftOutcome.SAME
    if any(one.change.hard for one in changes):
        outcome = DriftOutcome.DRIFTED
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
    """The statuses as if they were types, so that a new one is a retype."""
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
        before, after = (
            disagreements(_shape_of_bodies(bodies), model.schema)
            for bodies in (_successes(old, dialect, route), responses)
        )
        known = {(found.kind, found.path) for found in before}
        yield SdkView(
            model,
            tuple(SdkDisagreement(found, (found.kind, found.path) not in known) for found in after),
        )


def _successes(cassette: Cassette, dialect: Dialect, route: Route) -> Iterator[RecordedResponse]:
    for interaction in cassette.interactions:
        request, response = interaction.request, interaction.response
        if response.status == 200 and dialect.route(request.method, request.path) == route:
            yield response


def _shape_of_bodies(responses: Iterable[RecordedResponse]) -> Shape:
    return merged(shape_of_body(response.body) for response in responses)
