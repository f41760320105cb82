"""Recording one scenario: the adapter calls a real service, and a cassette is written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from tck import __version__
from tck.adapter import AdapterUnderTest
from tck.building import build, release
from tck.cassettes import cassette as cassette_file
from tck.cassettes.cassette import Cassette, Interaction, RecordedResponse
from tck.cassettes.extractions import recorded_attempts
from tck.cassettes.files import write_whole
from tck.cassettes.interception import recording
from tck.cassettes.library import Library
from tck.cassettes.scenarios import Scenario
from tck.cassettes.secrets import SecretFoundError, live_values, refuse_secrets, scrub, without
from tck.cassettes.services import Service, ServiceKind
from tck.wire.dialects.model import Dialect, StructuredDialect, Unreadable, is_recorded

FRESH_FOR = timedelta(days=365)
"""How long a recording stands for what its provider says today."""

# `AsyncOpenAI/Python 3.54.0`, `python-httpx2/2.16.2`
_USER_AGENT = re.compile(r"(?:Async)?([A-Za-z0-9_.-]+?)(?:/Python)?[/ ]v?(\d[\w.]*)")
_HTTP_LIBRARIES = ("httpx2", "httpx", "aiohttp", "requests", "urllib3")


class RecordingError(Exception):
    """A scenario could not be recorded; its old cassette is as it was."""


@dataclass(frozen=True)
class RecordAttempt:
    """How the recording of one scenario ended."""

    scenario: Scenario
    path: Path | None
    """Where the new cassette is; ``None`` if it could not be recorded."""
    problem: str = ""


@dataclass(frozen=True)
class RecordStep:
    """How one scenario of one adapter ended, and how far the whole command is."""

    number: int
    """From 1."""
    total: int
    adapter: str
    scenario: str
    service: ServiceKind
    outcome: Literal["recorded", "failed", "kept"]
    """``kept``: the recording is of a hosted provider, and ``force`` was not given."""
    problem: str = ""
    """Why it failed."""


async def record_scenario(
    adapter: AdapterUnderTest,
    dialect: Dialect,
    service: Service,
    scenario: Scenario,
    library: Library,
) -> RecordAttempt:
    """Record one scenario, or say why it could not be; a failure leaves the old file alone."""
    path = library.path(scenario)
    try:
        cassette = await _recorded(adapter, dialect, service, scenario)
        write_whole(path, cassette_file.dumps(cassette))
    except OSError as error:
        return RecordAttempt(scenario, None, f"{path} cannot be written: {error.strerror or error}")
    except (RecordingError, SecretFoundError) as problem:
        # An SDK's message may show the key that the provider refused.
        return RecordAttempt(scenario, None, without(str(problem), live_values([service.api_key])))
    return RecordAttempt(scenario, path)


async def _recorded(
    adapter: AdapterUnderTest, dialect: Dialect, service: Service, scenario: Scenario
) -> Cassette:
    embedding = scenario.factory == "embedding"
    model = (adapter.embedding_model if embedding else None) or adapter.model
    endpoint = service.endpoint(dialect, model, wrong_key=scenario.wrong_key)
    options: dict[str, Any] = {}
    if embedding and service.dimensions is not None:
        options["dimensions"] = service.dimensions
    factory = getattr(adapter, scenario.factory)
    if factory is None:
        raise RecordingError(f"the adapter has no {scenario.factory} factory")
    with recording() as recorder:
        try:
            subject = build(factory, endpoint, options, {"max_retries": 0})
        except Exception as error:
            raise RecordingError(f"the factory raised {type(error).__name__}: {error}") from error
        try:
            ended = _Ended(returned=await scenario.play(subject))
        except Exception as error:  # noqa: BLE001 - judged by what was exchanged
            ended = _Ended(failure=f"{type(error).__name__}: {error}")
        finally:
            await release(subject)
    _check(scenario, dialect, recorder.interactions, ended)
    now = datetime.now(UTC)
    passport = {
        "recorded_at": now.isoformat(timespec="seconds"),
        "fresh_until": (now + FRESH_FOR).date().isoformat(),
        "adapter": adapter.name,
        "scenario": scenario.name,
        "scenario_digest": scenario.digest,
        "model": endpoint.model,
        **options,
        "provider": service.kind,
        "server": service.server,
        **_software(recorder.user_agents),
    }
    live = live_values(
        [endpoint.api_key or "", service.api_key], recorder.headers, recorder.addresses
    )
    cassette = scrub(Cassette(passport, tuple(recorder.interactions)), live)
    refuse_secrets(cassette, live)
    return cassette


@dataclass(frozen=True)
class _Ended:
    """How the adapter's call ended."""

    returned: Any = None
    failure: str = ""
    """The exception, in words; empty when the call returned."""


def _check(
    scenario: Scenario, dialect: Dialect, interactions: Sequence[Interaction], ended: _Ended
) -> None:
    """Refuse a recording that does not show what the scenario is for."""
    if not interactions:
        raise RecordingError(
            f"no request was intercepted ({ended.failure or 'the call returned'}): the adapter's "
            "HTTP library must be one that vcrpy knows"
        )
    last = interactions[-1].response
    if scenario.errors:
        if last.status not in scenario.errors:
            raise RecordingError(
                f"the provider answered {last.status}, and this scenario needs "
                f"{' or '.join(map(str, scenario.errors))}"
            )
        return
    try:
        if is_recorded(dialect):
            _check_success(last, ended)  # no dialect can read the reply
        elif scenario.kind == "structured" and last.status == 200:
            _check_extraction(scenario, dialect, interactions, ended)
        else:
            _check_success(last, ended)
            if scenario.ends is not None:
                _check_end(scenario, dialect, last)
    except Unreadable as error:
        raise RecordingError(f"the reply cannot be read: {error}") from error


def _check_success(last: RecordedResponse, ended: _Ended) -> None:
    if last.status != 200 or ended.failure:
        raise RecordingError(f"the provider answered {last.status}; {ended.failure or 'no error'}")


def _check_extraction(
    scenario: Scenario, dialect: Dialect, interactions: Sequence[Interaction], ended: _Ended
) -> None:
    if not isinstance(dialect, StructuredDialect):
        raise RecordingError(f"the {dialect.name} dialect has no read_object")
    attempts = recorded_attempts(dialect, scenario.response_model, interactions)
    expected = attempts[-1].instance
    if expected is None and ended.failure:
        if scenario.may_fail:
            return
        raise RecordingError(
            f"the model gave no valid answer in {len(attempts)} attempts, the last was "
            f"{attempts[-1].text!r:.200}; record a hosted provider, whose models are stronger"
        )
    if expected is None:
        raise RecordingError(
            f"the model's answer, {attempts[-1].text!r:.200}, is not plain JSON that fits, so that "
            "nobody can tell whether the adapter reads it correctly; record a hosted provider, "
            "whose models are stronger"
        )
    if ended.failure or ended.returned != expected:
        raise RecordingError(
            f"the model's answer reads as {expected!r:.200}, and the adapter made of it "
            f"{ended.failure or repr(ended.returned):.200}"
        )


def _check_end(scenario: Scenario, dialect: Dialect, last: RecordedResponse) -> None:
    reason = dialect.read_reply(last.body).finish_reason
    if (reason == dialect.cut_reason) is not (scenario.ends == "cut"):
        raise RecordingError(
            f"the reply ended with {reason!r}, and this scenario needs one that is {scenario.ends}"
        )


def _software(user_agents: Iterable[str]) -> dict[str, str]:
    """Versions of the SDK, the HTTP library beneath it, and ourselves."""
    return {
        **dict(_clients(user_agents)),
        "kit": f"llm-provider-tck {__version__}",
        "recorder": f"vcrpy {metadata.version('vcrpy')}",
    }


def _clients(user_agents: Iterable[str]) -> Iterator[tuple[str, str]]:
    for agent in user_agents:
        yield "client", agent
        if found := _USER_AGENT.match(agent):
            with suppress(metadata.PackageNotFoundError):
                library = _http_library(found[1].lower())
                if library is not None:
                    yield "http", f"{library} {metadata.version(library)}"


def _http_library(sdk: str) -> str | None:
    """The HTTP library that a distribution requires."""
    required = {
        re.split(r"[^A-Za-z0-9_-]", line, maxsplit=1)[0].lower()
        for line in metadata.requires(sdk) or ()
        if "extra ==" not in line
    }
    return next((name for name in _HTTP_LIBRARIES if name in required), None)
