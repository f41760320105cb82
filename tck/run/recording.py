"""Recording many adapters: who is asked, and what is said while it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from tck.cassettes import cassette as cassette_file
from tck.cassettes.cassette import DamagedError
from tck.cassettes.providers import (
    ProviderKind,
    ProviderUnavailableError,
    RecordedProvider,
    hosted_provider,
    key_variable,
    local_provider,
)
from tck.cassettes.recorder import record
from tck.cassettes.scenarios import Scenario, scenarios_of
from tck.run.arguments import TargetError
from tck.run.targets import Target
from tck.wire.dialects.model import Dialect


async def record_targets(
    targets: Sequence[Target],
    only: str | None,
    console: Console,
    *,
    kind: ProviderKind | None = None,
    force: bool = False,
) -> int:
    """Record every scenario of every adapter; the exit status is 0 when all succeeded.

    Args:
        targets: the adapters.
        only: record the scenarios whose names hold this.
        console: where progress is shown.
        kind: the local provider, or each adapter's hosted one; ``None`` takes the hosted one
            of the adapters whose key is set.
        force: let the local provider replace recordings of a hosted one.

    Raises:
        TargetError: there is nothing to record, or no provider to record.
    """
    chosen = chosen_scenarios(targets, only)
    failures = 0
    with ExitStack() as stack:
        providers = Providers(stack)
        asked = [providers.of(target, dialect, kind) for target, dialect, _ in chosen]
        for number, (target, dialect, scenario) in enumerate(chosen):
            provider = asked[number]
            name = f"{target.adapter.name} {scenario.name} ({provider.kind})"
            counted = f"[dim]{number + 1:>{len(str(len(chosen)))}}/{len(chosen)}[/]"
            if provider.kind == "local" and not force and _is_hosted(target, scenario):
                line = f"{counted} [yellow]kept[/]     {name}: the recording is of a hosted " + (
                    "provider, and only --force replaces it by one of the local model"
                )
                console.print(line, soft_wrap=True, highlight=False)
                continue
            recording = await record(target.adapter, dialect, provider, scenario, target.library)
            if recording.path is None:
                failures += 1
                line = f"{counted} [red]failed[/]   {name}: {escape(recording.problem)}"
            else:
                line = f"{counted} [green]recorded[/] {name}"
            console.print(line, soft_wrap=True, highlight=False)
    return 1 if failures else 0


def _is_hosted(target: Target, scenario: Scenario) -> bool:
    """Whether the recording that is there was worth somebody's money."""
    try:
        path = target.library.path(scenario)
        return cassette_file.loads(path.read_bytes()).passport.get("provider") == "hosted"
    except (OSError, DamagedError):
        return False


class Providers:
    """The providers that are needed; the local one is started when it first is.

    Args:
        stack: closes the local one.
    """

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._local: RecordedProvider | None = None

    def of(self, target: Target, dialect: Dialect, kind: ProviderKind | None) -> RecordedProvider:
        """A provider for an adapter to be recorded with.

        Args:
            target: the adapter.
            dialect: what it speaks.
            kind: ``None`` takes the hosted one where its key is set.

        Raises:
            TargetError: it cannot be had here; the message says what is missing.
        """
        hosted = None if kind == "local" else hosted_provider(target.adapter, dialect)
        if hosted is not None:
            return hosted
        if kind == "hosted" and target.adapter.hosted is None:
            raise TargetError(
                f"{target.argument} names no hosted provider: put its base URL into hosted= of the "
                "AdapterUnderTest"
            )
        if kind == "hosted":
            raise TargetError(
                f"the hosted provider of {target.argument} needs a key: set the environment "
                f"variable {key_variable(target.adapter)}"
            )
        if self._local is None:
            try:
                self._local = self._stack.enter_context(local_provider())
            except ProviderUnavailableError as error:
                raise TargetError(str(error)) from error
        return self._local


def recordable(target: Target) -> str | Path:
    """The folder for an adapter's recordings.

    Raises:
        TargetError: it names none.
    """
    if target.adapter.cassettes is None:
        raise TargetError(
            f"{target.argument} cannot be recorded: its AdapterUnderTest needs a folder in "
            "cassettes="
        )
    return target.adapter.cassettes


def chosen_scenarios(
    targets: Sequence[Target], only: str | None
) -> list[tuple[Target, Dialect, Scenario]]:
    """The scenarios of adapters that exchange something, and the dialect in which they do.

    Args:
        targets: the adapters.
        only: take the scenarios whose names hold this.

    Raises:
        TargetError: there are none, or an adapter has no folder for recordings.
    """
    talking = [(target, target.dialect) for target in targets if target.dialect is not None]
    if not talking:
        raise TargetError(
            "these adapters run in the process, and exchange nothing that could be recorded"
        )
    for target, _ in talking:
        recordable(target)
    chosen = [
        (target, dialect, scenario)
        for target, dialect in talking
        for scenario in scenarios_of(target.adapter, target.capabilities)
        if only is None or only in scenario.name
    ]
    if not chosen:
        raise TargetError(f"no scenario of these adapters has a name with {only!r} in it")
    return chosen
