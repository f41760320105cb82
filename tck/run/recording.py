"""Recording many adapters, each with the service that it is recorded with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Literal

from tck.cassettes import cassette as cassette_file
from tck.cassettes.cassette import DamagedError
from tck.cassettes.record_scenario import RecordStep, record_scenario
from tck.cassettes.scenarios import Scenario, scenarios_of
from tck.cassettes.services import (
    Service,
    ServiceKind,
    ServiceUnavailableError,
    hosted_service,
    key_variable,
    local_service,
)
from tck.run.arguments import TargetError
from tck.run.cassette_files import folder_of
from tck.run.targets import Target
from tck.wire.dialects.model import Dialect


async def record_adapters(
    targets: Sequence[Target],
    only: str | None,
    tell: Callable[[RecordStep], None],
    *,
    kind: ServiceKind | None = None,
    force: bool = False,
) -> bool:
    """Record every scenario of every adapter; returns whether none failed.

    Args:
        targets: the adapters.
        only: record the scenarios whose names hold this.
        tell: called when a scenario is done.
        kind: the local service, or each adapter's hosted one; ``None`` takes the hosted one
            of the adapters whose key is set.
        force: let the local service replace recordings of a hosted one.

    Raises:
        TargetError: there is nothing to record, or no service to record.
    """
    chosen = chosen_scenarios(targets, only)
    well = True
    with ExitStack() as stack:
        services = Services(stack)
        # All before the first recording, so that a missing key stops the command at once.
        used = [services.of(target, dialect, kind) for target, dialect, _ in chosen]
        for number, (target, dialect, scenario) in enumerate(chosen):
            service, problem = used[number], ""
            outcome: Literal["recorded", "failed", "kept"] = "kept"
            if force or service.kind == "hosted" or not _is_hosted(target, scenario):
                attempt = await record_scenario(
                    target.adapter, dialect, service, scenario, target.library
                )
                outcome = "failed" if attempt.path is None else "recorded"
                problem = attempt.problem
            well = well and outcome != "failed"
            name = target.adapter.name
            tell(
                RecordStep(
                    number + 1, len(chosen), name, scenario.name, service.kind, outcome, problem
                )
            )
    return well


def _is_hosted(target: Target, scenario: Scenario) -> bool:
    """Whether the recording that is there comes from a hosted provider."""
    try:
        path = target.library.path(scenario)
        return cassette_file.loads(path.read_bytes()).passport.get("provider") == "hosted"
    except (OSError, DamagedError):
        return False


class Services:
    """The services that adapters are recorded with; the local one starts when it is needed.

    Args:
        stack: stops the local one.
    """

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._local: Service | None = None

    def of(self, target: Target, dialect: Dialect, kind: ServiceKind | None) -> Service:
        """The service that an adapter is recorded with.

        Args:
            target: the adapter.
            dialect: what it speaks.
            kind: ``None`` takes the hosted one where its key is set.

        Raises:
            TargetError: there is none; the message says what is missing.
        """
        hosted = None if kind == "local" else hosted_service(target.adapter, dialect)
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
                self._local = self._stack.enter_context(local_service())
            except ServiceUnavailableError as error:
                raise TargetError(str(error)) from error
        return self._local


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
            "these adapters run in the process and send no requests: there is nothing to record"
        )
    for target, _ in talking:
        folder_of(target)
    chosen = [
        (target, dialect, scenario)
        for target, dialect in talking
        for scenario in scenarios_of(target.adapter, target.capabilities)
        if only is None or only in scenario.name
    ]
    if not chosen:
        raise TargetError(f"no scenario of these adapters has a name with {only!r} in it")
    return chosen
