"""What the pytest plugin does once it has been asked for adapters.

The adapters are loaded in the session's own process, by the first test of each: coverage and
``--pdb`` work as for any test, and what exits or hangs does so as in any test. `tck run` is for
adapters that do.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Generator, Sequence
from functools import cache
from typing import Any

import pytest
from rich.console import Console

from tck.catalogue import Requirement, requirements
from tck.grading import EXAMPLES, Outcome, Result
from tck.report.console import print_report
from tck.report.model import Declaration, Report, unrun
from tck.run.arguments import TargetError
from tck.run.assessment import assess
from tck.run.progress import Progress
from tck.run.targets import Target, UnloadableError, load_target
from tck.verdicts import Finding
from tck.wire.guard import NetworkGuard

report_key: pytest.StashKey[Report] = pytest.StashKey()
"""Where a session's config holds its report, from the end of the session on."""

_MESSAGE = "tck"
_UNDECLARED = "the adapter does not declare this"


class UnmetError(Exception):
    """A requirement failed or could not be verified."""


class RequirementItem(pytest.Item):
    """One requirement of one adapter."""

    def __init__(
        self,
        *,
        argument: str,
        requirement: Requirement,
        load: Callable[[str], _Loaded],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.argument = argument
        self.requirement = requirement
        self.extra_keyword_matches.add(requirement.title)
        self._load = load
        self.loaded: _Loaded | None = None
        self.result: Result | None = None

    def runtest(self) -> None:
        self.loaded = self._load(self.argument)
        target = self.loaded.target
        if target is not None and self.requirement.capability not in target.capabilities:
            pytest.skip(_UNDECLARED)
        self.result = (
            assess(target, self.requirement)
            if target is not None
            else Result(self.requirement, Outcome.NOT_VERIFIED, finding=self.loaded.finding)
        )
        if self.result.outcome is Outcome.NOT_APPLICABLE:
            pytest.skip(self.result.reason)
        if not self.result.outcome.fine:
            if self.requirement.level == "should":
                pytest.skip(f"advice, see below: {self.result.outcome}")
            raise UnmetError(self.result.detail)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, UnmetError) and self.result is not None:
            return f"{self.result.outcome}: {self.requirement.text}\n{excinfo.value}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Any, int, str]:
        return self.path, 0, f"{self.argument}: {self.requirement.id} {self.requirement.title}"


class _Loaded:
    """An adapter, or why it cannot be loaded."""

    def __init__(self, argument: str, examples: int) -> None:
        self.target: Target | None = None
        self.finding: Finding | None = None
        with NetworkGuard() as guard:
            try:
                self.target = load_target(argument, examples)
            except UnloadableError as error:
                self.finding = error.finding
            except TargetError as error:
                self.finding = Finding(
                    "the adapter can be loaded", str(error), f"--tck={argument}", "not-loaded"
                )
        self.hosts = [*guard.hosts, *guard.strays]


class KitSession:
    """Collects the tests, gathers their results from every worker, and grades.

    Args:
        config: of the session.
        arguments: the adapters.
        only: ids of the requirements that are asked for; ``None`` for all.
    """

    def __init__(
        self, config: pytest.Config, arguments: Sequence[str], only: frozenset[str] | None
    ) -> None:
        self._config = config
        self._only = only
        self._examples = config.getoption("--tck-fuzz") or EXAMPLES
        self._adapters = {
            argument: Progress(argument, only, self._examples) for argument in arguments
        }
        self._strays: list[str] = []
        self._told: set[tuple[str, str]] = set()
        self._reached: set[str] = set()
        """Ids of the requirements whose tests were not deselected, as far as the session went."""

    # First, so that what else looks at the items (-k, marks, other plugins) sees ours.
    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, items: list[pytest.Item]
    ) -> None:
        load = cache(lambda argument: _Loaded(argument, self._examples))
        for progress in self._adapters.values():
            items.extend(
                RequirementItem.from_parent(
                    session,
                    name=requirement.id,
                    nodeid=f"{progress.argument}::{requirement.id}",
                    argument=progress.argument,
                    requirement=requirement,
                    load=load,
                )
                for requirement in progress.todo
            )

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if isinstance(item, RequirementItem):
            report.__dict__[_MESSAGE] = _message(item)
        return report

    # Only here is a report final: any plugin may have changed its outcome after it was made.
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        message = getattr(report, _MESSAGE, None)
        if message is None:
            return
        self._reached.add(message["requirement"])
        progress = self._adapters[message["argument"]]
        if message["declaration"] is not None:
            progress.declare(Declaration.from_data(message["declaration"]))
        progress.loading.update(message["hosts"])
        result = _final(message, report)
        if message["result"] is not None:
            self._strays += message["result"]["strays"]
        if result is not None:
            progress.add(result, report.duration)
            if report.failed:
                self._told.add((progress.argument, result.requirement.id))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if hasattr(self._config, "workerinput") or self._config.option.collectonly:
            return  # a worker of pytest-xdist, whose controller grades; or nothing was run
        for progress in self._adapters.values():
            # Nobody knows whose thread it was.
            progress.hosts.update(self._strays)
            if self._config.option.keyword:
                progress.selected = frozenset(self._reached)
        only = " or ".join(sorted(self._only)) if self._only else None
        report = Report(
            tuple(progress.report() for progress in self._adapters.values()),
            selection=self._config.option.keyword or only,
        )
        self._config.stash[report_key] = report
        if report.kit_faults:
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
        elif session.exitstatus == pytest.ExitCode.OK:
            reached = all(adapter.reaches(None) for adapter in report.adapters)
            session.exitstatus = pytest.ExitCode.OK if reached else pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        report = self._config.stash.get(report_key, None)
        if report is not None:
            terminalreporter.section("conformance")
            text = io.StringIO()
            console = Console(
                file=text,
                force_terminal=terminalreporter.hasmarkup,
                no_color=not terminalreporter.hasmarkup,
                width=terminalreporter._tw.fullwidth,  # noqa: SLF001 - it has no public name
            )
            print_report(report, console, told=frozenset(self._told))
            terminalreporter.write(text.getvalue())


def _message(item: RequirementItem) -> dict[str, Any]:
    """What an item found, as plain data that pytest-xdist can carry to its controller."""
    loaded = item.loaded
    target = None if loaded is None else loaded.target
    return {
        "argument": item.argument,
        "requirement": item.requirement.id,
        "declaration": None if target is None else target.declaration.as_data(),
        "hosts": [] if loaded is None else loaded.hosts,
        "result": None if item.result is None else item.result.as_data(),
    }


def _final(message: dict[str, Any], report: pytest.TestReport) -> Result | None:
    """The result that a report stands for; ``None`` when another report will tell."""
    requirement = requirements()[message["requirement"]]
    found = message["result"]
    if hasattr(report, "wasxfail"):
        why = f"xfailed: {report.wasxfail or 'no reason given'}"
        return unrun(requirement, why, "xfailed", "the xfail mark on the test")
    if report.when != "call" and report.outcome == "passed":
        return None
    if found is None:  # skipped before it ran, or a hook of somebody's failed
        if message["declaration"] is not None and report.when == "call":
            return None  # undeclared
        why = f"{report.outcome} before it ran: {_reason(report)}"
        return unrun(requirement, why, report.outcome, "the marks and plugins of the session")
    result = Result.from_data(found)
    if result.outcome in (Outcome.PASSED, Outcome.EXEMPT) and report.outcome != "passed":
        why = f"a plugin of the session made it {report.outcome}"
        return unrun(requirement, why, report.outcome, "the plugins of the session")
    return result


def _reason(report: pytest.TestReport) -> str:
    if isinstance(report.longrepr, tuple):
        return report.longrepr[2].removeprefix("Skipped: ")
    return report.longreprtext.strip().rpartition("\n")[2]
