"""What the pytest plugin does once it has been asked for adapters."""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator
from typing import Any

import pytest
from rich.console import Console

from tck.catalogue import Requirement, denominator, requirements
from tck.grading import Outcome, Result
from tck.plugin import report_key
from tck.report.console import print_report
from tck.report.model import Report, report_on
from tck.runner import assess
from tck.targets import Target

_MESSAGE = "tck"
_SKIPPED = {Outcome.NOT_APPLICABLE, Outcome.NOT_IMPLEMENTED}


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
        if self.result.outcome in _SKIPPED:
            pytest.skip(self.result.detail)
        if self.result.outcome in (Outcome.FAILED, Outcome.NOT_VERIFIED):
            raise UnmetError(self.result.detail)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, UnmetError) and self.result is not None:
            return f"{self.result.outcome}: {self.requirement.text}\n{excinfo.value}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Any, None, str]:
        title = f"{self.target.adapter.name}: {self.requirement.id} {self.requirement.title}"
        return self.path, None, title


class KitSession:
    """Collects the tests, gathers their results from every worker, and grades."""

    def __init__(self, config: pytest.Config, targets: list[Target]) -> None:
        self._config = config
        self._targets = targets
        self._results: dict[str, dict[str, Result]] = {
            target.adapter.name: {} for target in targets
        }

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
            report.__dict__[_MESSAGE] = _message(item, report)
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        message = getattr(report, _MESSAGE, None)
        if message is not None:
            adapter, result = _read(message)
            self._results[adapter][result.requirement.id] = result

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if hasattr(self._config, "workerinput"):
            return  # a worker of pytest-xdist: its controller grades
        report = Report(
            tuple(
                report_on(
                    target.adapter.name,
                    target.capabilities,
                    self._results[target.adapter.name],
                    target.contacted,
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


def _message(item: RequirementItem, report: pytest.TestReport) -> dict[str, Any] | None:
    """The result of an item as plain data, which pytest-xdist can carry to its controller."""
    result = item.result
    if hasattr(report, "wasxfail"):
        result = _unverified(item, f"xfailed: {report.wasxfail or 'no reason given'}")
    elif result is None:
        # Skipped before it ran, or a fixture or a hook of somebody's failed.
        if report.outcome == "passed":
            return None
        result = _unverified(item, f"{report.outcome}: {_reason(report)}")
    return {
        "adapter": item.target.adapter.name,
        "requirement": item.requirement.id,
        "outcome": str(result.outcome),
        "evidence": list(result.evidence),
        "detail": result.detail,
        "kit_fault": result.kit_fault,
    }


def _read(message: dict[str, Any]) -> tuple[str, Result]:
    return message["adapter"], Result(
        requirements()[message["requirement"]],
        Outcome(message["outcome"]),
        tuple(message["evidence"]),
        message["detail"],
        message["kit_fault"],
    )


def _unverified(item: RequirementItem, detail: str) -> Result:
    return Result(item.requirement, Outcome.NOT_VERIFIED, detail=detail)


def _reason(report: pytest.TestReport) -> str:
    if isinstance(report.longrepr, tuple):
        return report.longrepr[2].removeprefix("Skipped: ")
    return report.longreprtext.strip().rpartition("\n")[2]
