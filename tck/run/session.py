"""What the pytest plugin does once it has been asked for adapters."""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator
from typing import Any

import pytest
from rich.console import Console

from tck.catalogue import Requirement, denominator, requirements
from tck.grading import Outcome, Result
from tck.report.console import print_report
from tck.report.model import Report, report_on, unrun
from tck.run.assessment import assess
from tck.run.targets import Target

report_key: pytest.StashKey[Report] = pytest.StashKey()
"""Where a session's config holds its report, from the end of the session on."""

_MESSAGE = "tck"


class UnmetError(Exception):
    """A requirement failed or could not be verified."""


class AdapterNode(pytest.Collector):
    """The tests of one adapter."""

    def __init__(self, target: Target, **kwargs: Any) -> None:
        super().__init__(nodeid=target.adapter.name, **kwargs)
        self.target = target

    def collect(self) -> Iterator[RequirementItem]:
        for requirement in denominator(self.target.capabilities):
            yield RequirementItem.from_parent(
                self, name=requirement.id, target=self.target, requirement=requirement
            )


class RequirementItem(pytest.Item):
    """One requirement of one adapter."""

    def __init__(self, *, target: Target, requirement: Requirement, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.target = target
        self.requirement = requirement
        self.result: Result | None = None

    def runtest(self) -> None:
        self.result = assess(self.target, self.requirement)
        if self.result.outcome is Outcome.NOT_APPLICABLE:
            pytest.skip(self.result.detail)
        if self.result.outcome in (Outcome.FAILED, Outcome.NOT_VERIFIED):
            raise UnmetError(self.result.detail)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, UnmetError) and self.result is not None:
            return f"{self.result.outcome}: {self.requirement.text}\n{excinfo.value}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Any, int, str]:
        title = f"{self.target.adapter.name}: {self.requirement.id} {self.requirement.title}"
        return self.path, 0, title


class KitSession:
    """Collects the tests, gathers their results from every worker, and grades."""

    def __init__(self, config: pytest.Config, targets: list[Target]) -> None:
        self._config = config
        self._targets = targets
        self._results: dict[str, dict[str, Result]] = {
            target.adapter.name: {} for target in targets
        }
        self._strays = [host for target in targets for host in target.strays]

    # First, so that what else looks at the items (-k, marks, other plugins) sees ours.
    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, items: list[pytest.Item]
    ) -> None:
        for target in self._targets:
            node = AdapterNode.from_parent(session, name=target.adapter.name, target=target)
            items.extend(node.collect())

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
        result = _final(message, report)
        if message["result"] is not None:
            self._strays += message["result"]["strays"]
        if result is not None:
            self._results[message["adapter"]][result.requirement.id] = result

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if hasattr(self._config, "workerinput"):
            return  # a worker of pytest-xdist: its controller grades
        told = {
            host
            for results in self._results.values()
            for result in results.values()
            for host in result.contacted
        } | {host for target in self._targets for host in target.contacted}
        strays = [host for host in self._strays if host not in told]
        report = Report(
            tuple(
                report_on(
                    target.spelled,
                    target.declaration,
                    self._results[target.adapter.name],
                    contacted=tuple(dict.fromkeys([*target.contacted, *strays])),
                )
                for target in self._targets
            )
        )
        self._config.stash[report_key] = report
        if report.kit_faults:
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
        elif session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            reached = all(adapter.reaches(None) for adapter in report.adapters)
            session.exitstatus = pytest.ExitCode.OK if reached else pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        report = self._config.stash.get(report_key, None)
        if report is not None:
            terminalreporter.section("conformance")
            text = io.StringIO()
            markup = terminalreporter.hasmarkup
            print_report(report, Console(file=text, force_terminal=markup, no_color=not markup))
            terminalreporter.write(text.getvalue())


_WELL = (Outcome.PASSED, Outcome.EXEMPT)


def _message(item: RequirementItem) -> dict[str, Any]:
    """What an item found, as plain data that pytest-xdist can carry to its controller."""
    found = item.result
    return {
        "adapter": item.target.adapter.name,
        "requirement": item.requirement.id,
        "result": None if found is None else found.as_data(),
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
        why = f"{report.outcome} before it ran: {_reason(report)}"
        return unrun(requirement, why, report.outcome, "the marks and plugins of the session")
    result = Result.from_data(found)
    if result.outcome in _WELL and report.outcome != "passed":
        why = f"a plugin of the session made it {report.outcome}"
        return unrun(requirement, why, report.outcome, "the plugins of the session")
    return result


def _reason(report: pytest.TestReport) -> str:
    if isinstance(report.longrepr, tuple):
        return report.longrepr[2].removeprefix("Skipped: ")
    return report.longreprtext.strip().rpartition("\n")[2]
