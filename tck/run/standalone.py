"""Grading in a pytest session of nothing but the kit, whoever runs it and wherever."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tck.report.model import Report
from tck.run.session import report_key
from tck.run.targets import Target


class SelectionError(Exception):
    """The expression that selects requirements is none that pytest understands."""


def graded(
    targets: Sequence[Target],
    *,
    only: str | None = None,
    examples: int | None = None,
    junitxml: Path | None = None,
) -> Report | None:
    """Grade adapters in a pytest session of their own.

    Args:
        targets: the adapters.
        only: check only what this expression of pytest's ``-k`` selects.
        examples: how many made-up texts a fuzzed check tries.
        junitxml: where pytest is to write its report.

    Returns:
        The report; ``None`` when the session broke off.

    Raises:
        SelectionError: pytest does not understand ``only``.
        KeyboardInterrupt: somebody stopped it.
    """
    keeper = _Keeper()
    with tempfile.TemporaryDirectory(prefix="tck-") as folder, _pytest_by_itself():
        settings = Path(folder, "pytest.ini")
        settings.write_text("[pytest]\n", encoding="utf-8")
        command = [folder, f"--rootdir={folder}", f"--config-file={settings}"]
        command += ["-p", "tck.plugin", "-p", "no:cacheprovider", "-p", "no:terminal"]
        command += [f"--tck={target.spelled}" for target in targets]
        if examples:
            command += [f"--tck-fuzz={examples}"]
        if only:
            command += ["-k", only]
        if junitxml:
            command += [f"--junitxml={junitxml.resolve()}"]
        status = pytest.main(command, plugins=[keeper])
    if status == pytest.ExitCode.USAGE_ERROR:
        raise SelectionError(f"-k {only!r} is no expression that pytest understands")
    if status == pytest.ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    return keeper.report


class _Keeper:
    """Takes the report out of a pytest session, or says what became of it."""

    report: Report | None = None

    def pytest_internalerror(self, excrepr: object) -> None:
        print(excrepr, file=sys.stderr)  # noqa: T201 - a fault of the kit is shown whole

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        self.report = config.stash.get(report_key, None)


@contextmanager
def _pytest_by_itself() -> Iterator[None]:
    """Pytest without the plugins and options of whoever runs us."""
    changed = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "", "PYTEST_PLUGINS": ""}
    before = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
