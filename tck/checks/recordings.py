"""Checks against recordings of a real provider.

What is expected is read from the recording by the dialect, never from a constant: the
adapter and the dialect are two readers of one text, and must agree.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from tck.adapter import Endpoint
from tck.cassettes.cassette import Cassette, Interaction
from tck.cassettes.differences import explain_miss
from tck.cassettes.extractions import recorded_attempts
from tck.cassettes.interception import playing
from tck.cassettes.scenarios import Kind, Scenario, scenarios_of
from tck.cassettes.secrets import REPLAY_KEY
from tck.cassettes.tapes import Player
from tck.checks.answers import Answer
from tck.checks.calls import raised, returned
from tck.checks.comparing import is_a, plain, same
from tck.checks.errors import CLASS_OF_STATUS, assert_error_class
from tck.checks.extraction import meaning
from tck.checks.registry import check
from tck.checks.subject import Subject
from tck.verdicts import NotVerified, Violation
from tck.wire.dialects.model import Unreadable
from tck.wire.wire import Wire

Recorded = Sequence[Interaction]
"""The interactions of one cassette, in the order of their responses."""

Judge = Callable[[Scenario, Wire, Player, Violation | None], None]
"""Says whether the adapter listened to a recording, and what that explains."""


@check("REC-01", evidence="recorded")
async def recorded_chat(subject: Subject, wire: Wire) -> None:
    async def compare(scenario: Scenario, provider: Any, recorded: Recorded) -> None:
        seen = Answer(await returned(lambda: scenario.play(provider), "complete()"))
        expected = wire.dialect.read_reply(recorded[-1].response.body)
        _assert_same(scenario, "content", expected.text or "", seen.text)
        _assert_same(scenario, "model", expected.model, seen.model)
        _assert_same(scenario, "finish_reason", expected.finish_reason, seen.finish_reason)
        usage = seen.usage
        for name in ("prompt", "completion", "cached"):
            counted = getattr(expected.usage, name, None)
            _assert_same(scenario, f"usage.{name}_tokens", counted, getattr(usage, name, None))
        total = None if expected.usage is None else expected.usage.total
        _assert_same(scenario, "usage.total_tokens", total, seen.total_tokens)

    await _replay_each(subject, wire, "chat", compare, errors=False)


@check("REC-02", evidence="recorded")
async def recorded_embeddings(subject: Subject, wire: Wire) -> None:
    async def compare(scenario: Scenario, provider: Any, recorded: Recorded) -> None:
        seen = await returned(lambda: scenario.play(provider), "embed()")
        expected = wire.embedding_dialect.read_vectors(recorded[-1].response.body)
        _assert_same(scenario, "number of vectors", len(expected), _length(seen))
        for index, (right, vector) in enumerate(zip(expected, list.copy(seen), strict=True)):
            where = f"{scenario.name}: vector {index}"
            _assert_same(scenario, f"length of vector {index}", len(right), _length(vector))
            for place, (wanted, got) in enumerate(zip(right, plain(vector), strict=True)):
                # By its bits, as 0.0 == -0.0.
                if type(got) is not float or got.hex() != wanted.hex():
                    raise Violation(
                        expected=f"{where}, number {place} = {wanted!r}, as recorded",
                        seen=f"{got!r:.80}",
                    )

    await _replay_each(subject, wire, "embedding", compare, errors=False)


@check("REC-03", evidence="recorded")
async def recorded_extraction(subject: Subject, wire: Wire) -> None:
    async def compare(scenario: Scenario, provider: Any, recorded: Recorded) -> None:
        dialect = wire.structured_dialect
        attempts = recorded_attempts(dialect, scenario.response_model, recorded)
        valid = [attempt.instance for attempt in attempts if attempt.instance is not None]
        if valid:
            seen = await returned(lambda: scenario.play(provider), "complete_structured()")
            _assert_same(scenario, "the instance", valid[0], seen)
            return
        error = await subject.raises(
            "StructuredExtractionError",
            lambda: scenario.play(provider),
            f"complete_structured() on {scenario.name}, as no recorded answer is valid",
        )
        kept = plain(getattr(error, "last_attempts", None))
        said = [meaning(text) for text in kept] if isinstance(kept, list) else kept
        texts = [meaning(attempt.text) for attempt in attempts]
        _assert_same(scenario, "last_attempts", texts, said)

    await _replay_each(subject, wire, "structured", compare, errors=False)


@check("REC-04", evidence="recorded", transmutable=True)
async def recorded_errors(subject: Subject, wire: Wire) -> None:
    async def compare(scenario: Scenario, provider: Any, recorded: Recorded) -> None:
        name = "embed" if scenario.kind == "embedding" else "complete"
        status = recorded[-1].response.status
        error = await raised(lambda: scenario.play(provider), f"{name}() on {scenario.name}")
        if status not in CLASS_OF_STATUS:
            raise NotVerified(f"the catalogue says nothing of the recorded status {status}")
        assert_error_class(subject, error, status, name)

    for kind in ("chat", "embedding"):
        if kind in subject.capabilities:
            await _replay_each(subject, wire, kind, compare, errors=True)


@check("REC-05", evidence="recorded", transmutable=True)
async def whole_and_fresh(subject: Subject, wire: Wire) -> None:
    async def compare(scenario: Scenario, provider: Any, _: Recorded) -> None:
        with suppress(Violation):  # what the adapter makes of it is for other checks
            await returned(lambda: scenario.play(provider), scenario.name)
        until = subject.library.load(scenario).fresh_until
        today = datetime.now(UTC).date()
        if until is None or until < today:
            raise Violation(
                expected=f"the recording of {scenario.name} is fresh",
                seen="it has no date until which it is"
                if until is None
                else f"it expired on {until}",
                look_at=f"`tck record {subject.library.adapter} -k {scenario.name}`",
            )

    for kind in ("chat", "structured", "embedding"):
        if kind in subject.capabilities:
            for errors in (False, True):
                await _replay_each(
                    subject, wire, kind, compare, errors=errors, judge=_assert_all_played
                )


async def _replay_each(
    subject: Subject,
    wire: Wire,
    kind: Kind,
    compare: Callable[[Scenario, Any, Recorded], Awaitable[None]],
    *,
    errors: bool,
    judge: Judge | None = None,
) -> None:
    """Compare on every scenario; a violation on any is worth more than a missing recording."""
    scenarios = [
        scenario
        for scenario in scenarios_of(subject.adapter, subject.capabilities)
        if scenario.kind == kind and bool(scenario.errors) is errors
    ]
    unverified: list[NotVerified] = []
    for scenario in scenarios:
        try:
            cassette = subject.library.load(scenario)
            async with _replayed(
                subject, wire, scenario, cassette, judge or _assert_listened
            ) as provider:
                try:
                    await compare(scenario, provider, cassette.interactions)
                except Unreadable as unreadable:
                    raise NotVerified(
                        f"the dialect cannot read the recording of {scenario.name}: {unreadable}"
                    ) from unreadable
        except NotVerified as reason:
            unverified.append(reason)
    if unverified:
        subject.library.require(scenarios)
        raise unverified[0]


@asynccontextmanager
async def _replayed(
    subject: Subject, wire: Wire, scenario: Scenario, cassette: Cassette, judge: Judge
) -> AsyncIterator[Any]:
    """A provider to whom a cassette is played, and the proof that it listened."""
    passport = cassette.passport
    endpoint: Endpoint = wire.endpoint(str(passport.get("model")), REPLAY_KEY)
    options = {name: passport[name] for name in ("dimensions",) if name in passport}
    with playing(cassette.interactions) as player:
        async with subject.built(scenario.factory, endpoint, options) as provider:
            try:
                yield provider
            except Violation as violation:
                judge(scenario, wire, player, violation)
                raise
            judge(scenario, wire, player, None)


def _assert_listened(
    scenario: Scenario, wire: Wire, player: Player, because: Violation | None
) -> None:
    """Every request was in the recording, and all of the recording was asked for."""
    _assert_intercepted(wire, because)
    if player.misses:
        miss = next(iter(player.misses.values()))
        recorded = [interaction.request for interaction in player.unplayed]
        raise Violation(
            expected=f"the requests of {scenario.name} as they were recorded",
            seen=explain_miss(miss, recorded),
            look_at="what the adapter sends; if the change is meant, record the scenario again",
        ) from because
    _assert_all_played(scenario, wire, player, because)


def _assert_all_played(
    scenario: Scenario, wire: Wire, player: Player, because: Violation | None
) -> None:
    _assert_intercepted(wire, because)
    if player.unplayed:
        left = player.unplayed[0].request
        raise Violation(
            expected=f"{scenario.name}: every recorded request is made again",
            seen=f"{left.method} {left.path} was not"
            + (f" ({because.seen})" if because is not None else ""),
        ) from because


def _assert_intercepted(wire: Wire, because: Violation | None) -> None:
    if wire.received:
        raise NotVerified(
            "the adapter's HTTP library is none that vcrpy intercepts: its requests reached the "
            "socket, so that no recording can be played to it",
            "send requests with httpx, httpx2, aiohttp, requests or urllib3",
            cause="not-intercepted",
        ) from because


def _length(value: object) -> object:
    return list.__len__(value) if isinstance(value, list) and is_a(value, list) else value


def _assert_same(scenario: Scenario, what: str, recorded: object, seen: object) -> None:
    if not same(recorded, seen):
        raise Violation(
            expected=f"{scenario.name}: {what} = {recorded!r:.120}, as recorded",
            seen=f"{what} = {plain(seen)!r:.120}",
        )
