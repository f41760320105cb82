"""The pytest plugin: one test per adapter and requirement, and a grade at the end.

It is loaded in every pytest session of its environment, so until ``--tck`` asks for it,
it imports nothing of the kit and changes nothing.
"""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("tck", "conformance of LLM provider adapters").addoption(
        "--tck",
        action="append",
        metavar="ADAPTER",
        help="grade this adapter: module:attribute, or the name of a bundled one; repeatable",
    )
    parser.getgroup("tck").addoption(
        "--tck-fuzz",
        type=int,
        metavar="N",
        help="how many made-up texts a fuzzed check tries, always the same ones; default: 40",
    )


def pytest_configure(config: pytest.Config) -> None:
    spelled = config.getoption("--tck")
    if not spelled:
        return
    from tck.run.session import KitSession  # noqa: PLC0415 - see above
    from tck.run.targets import TargetError, load_targets  # noqa: PLC0415

    try:
        targets = load_targets(spelled, config.getoption("--tck-fuzz"))
    except TargetError as error:
        raise pytest.UsageError(str(error)) from error
    config.pluginmanager.register(KitSession(config, targets), "tck-session")
