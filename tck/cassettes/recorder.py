"""Recording an adapter: every scenario against a real provider, one cassette each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from tck import __version__
from tck.adapter import AdapterUnderTest
from tck.building import build, release
from tck.cassettes import cassette as cassette_file
from tck.cassettes.cassette import Cassette
from tck.cassettes.files import write_whole
from tck.cassettes.interception import Recorder, recording
from tck.cassettes.library import Library
from tck.cassettes.providers import RecordedProvider
from tck.cassettes.scenarios import Scenario
from tck.cassettes.secrets import SecretFoundError, refuse_secrets
from tck.wire.dialects.model import Dialect, Unreadable

# `AsyncOpenAI/Python 3.54.0`, `python-httpx2/2.16.2`
_USER_AGENT = re.compile(r"(?:Async)?([A-Za-z0-9_.-]+?)(?:/Python)?[/ ]v?(\d[\w.]*)")
_HTTP_LIBRARIES = ("httpx2", "httpx", "aiohttp", "requests", "urllib3")


class RecordingError(Exception):
    """A scenario could not be recorded; its old cassette is as it was."""


@dataclass(frozen=True)
class Recording:
    """How the recording of one scenario ended."""

    scenario: Scenario
    path: Path | None
    """Where the new cassette is, or ``None``."""
    problem: str = ""


async def record(
    adapter: AdapterUnderTest,
    dialect: Dialect,
    provider: RecordedProvider,
    scenario: Scenario,
    library: Library,
) -> Recording:
    """Record one scenario, or say why it could not be; a failure leaves the old file alone."""
    path = library.path(scenario)
    try:
        cassette = await _recorded(adapter, dialect, provider, scenario)
        refuse_secrets(cassette, [provider.api_key])
        write_whole(path, cassette_file.dumps(cassette))
    except (RecordingError, SecretFoundError, OSError) as problem:
        return Recording(scenario, None, str(problem))
    return Recording(scenario, path)


async def _recorded(
    adapter: AdapterUnderTest, dialect: Dialect, provider: RecordedProvider, scenario: Scenario
) -> Cassette:
    embedding = scenario.kind == "embedding"
    model = (adapter.embedding_model if embedding else None) or adapter.model
    endpoint = provider.endpoint(dialect, model, wrong_key=scenario.wrong_key)
    options: dict[str, Any] = {}
    if embedding and provider.dimensions is not None:
        options["dimensions"] = provider.dimensions
    factory = adapter.embedding if embedding else adapter.chat
    if factory is None:
        raise RecordingError(f"the adapter has no {scenario.kind} factory")
    with recording() as recorder:
        try:
            subject = build(factory, endpoint, options, {"max_retries": 0})
        except Exception as error:
            raise RecordingError(f"the factory raised {type(error).__name__}: {error}") from error
        try:
            await scenario.play(subject)
        except Exception as error:  # noqa: BLE001 - judged by what was exchanged
            failure = f"{type(error).__name__}: {error}"
        else:
            failure = ""
        finally:
            await release(subject)
    _check(scenario, dialect, recorder, failure)
    passport = {
        "recorded_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "adapter": adapter.name,
        "scenario": scenario.name,
        "scenario_digest": scenario.digest,
        "model": endpoint.model,
        **options,
        "provider": provider.kind,
        "server": provider.server,
        **_software(recorder.user_agents),
    }
    return Cassette(passport, tuple(recorder.interactions))


def _check(scenario: Scenario, dialect: Dialect, recorder: Recorder, failure: str) -> None:
    """Refuse a recording that does not show what the scenario is for."""
    responses = [interaction.response for interaction in recorder.interactions]
    if not responses:
        raise RecordingError(
            f"no request was intercepted ({failure or 'the call returned'}): the adapter's HTTP "
            "library must be one that vcrpy knows"
        )
    last = responses[-1]
    if scenario.errors and last.status not in scenario.errors:
        raise RecordingError(
            f"the provider answered {last.status}, and this scenario is of a "
            f"{' or '.join(map(str, scenario.errors))}"
        )
    if not scenario.errors and (last.status != 200 or failure):
        raise RecordingError(f"the provider answered {last.status}; {failure or 'no error'}")
    if scenario.ends is not None:
        try:
            reason = dialect.read_reply(last.body).finish_reason
        except Unreadable as error:
            raise RecordingError(f"the reply cannot be read: {error}") from error
        if (reason == dialect.cut_reason) is not (scenario.ends == "cut"):
            raise RecordingError(
                f"the reply ended with {reason!r}, and this scenario is of one that is "
                f"{scenario.ends}"
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
