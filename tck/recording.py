"""Recording many adapters: who is asked, and what is said while it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

from rich.console import Console
from rich.markup import escape

from tck.cassettes.providers import (
    ProviderUnavailableError,
    RecordedProvider,
    hosted_provider,
    local_provider,
)
from tck.cassettes.recorder import record
from tck.cassettes.scenarios import Scenario, scenarios_of
from tck.targets import Target, TargetError
from tck.wire.dialects.model import Dialect


async def record_targets(targets: Sequence[Target], only: str | None, console: Console) -> int:
    """Record every scenario of every adapter; the exit status is 0 when all succeeded.

    Args:
        targets: the adapters.
        only: record the scenarios whose names hold this.
        console: where progress is shown.

    Raises:
        TargetError: there is nothing to record, or no provider to record.
    """
    chosen = chosen_scenarios(targets, only)
    failures = 0
    with ExitStack() as stack:
        local: RecordedProvider | None = None
        for target, dialect, scenario in chosen:
            provider = hosted_provider(target.spelled) or local
            if provider is None:
                try:
                    provider = local = stack.enter_context(local_provider())
                except ProviderUnavailableError as error:
                    raise TargetError(str(error)) from error
            recording = await record(target.adapter, dialect, provider, scenario, target.library)
            name = f"{target.adapter.name} {scenario.name} ({provider.kind})"
            if recording.path is None:
                failures += 1
                line = f"[red]failed[/]   {name}: {escape(recording.problem)}"
                console.print(line, soft_wrap=True, highlight=False)
            else:
                console.print(f"[green]recorded[/] {name}", highlight=False)
    return 1 if failures else 0


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
        if target.adapter.cassettes is None:
            raise TargetError(
                f"{target.spelled} cannot be recorded: its AdapterUnderTest needs a folder in "
                "cassettes="
            )
    chosen = [
        (target, dialect, scenario)
        for target, dialect in talking
        for scenario in scenarios_of(target.adapter, target.capabilities)
        if only is None or only in scenario.name
    ]
    if not chosen:
        raise TargetError(f"no scenario of these adapters has a name with {only!r} in it")
    return chosen
