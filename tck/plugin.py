"""The pytest plugin: one test per adapter and requirement, and a grade at the end.

It is loaded in every pytest session of its environment, so until ``--tck`` asks for it,
it imports nothing of the kit and changes nothing.
"""

from __future__ import annotations

import re

import pytest

_NODE = re.compile(r"(?P<adapter>[\w.:-]+)::(?P<requirement>[A-Z]+-\d\d)")
"""How a test is called in what pytest prints."""


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
        help="examples in each drawn check, always the same ones; default: 40",
    )
    parser.getgroup("tck").addoption(
        "--tck-only", action="append", default=[], metavar="ID", help="only this requirement"
    )


def pytest_configure(config: pytest.Config) -> None:
    nodes = [node for node in map(_NODE.fullmatch, config.args) if node]
    # pytest-xdist hands options on to its workers, and arguments as they are here.
    config.option.tck = [*(config.option.tck or ()), *(node["adapter"] for node in nodes)]
    config.option.tck_only = [*config.option.tck_only, *(node["requirement"] for node in nodes)]
    if not config.option.tck:
        return
    from tck.namesakes import NamesakeError, refuse_namesakes  # noqa: PLC0415 - see above

    try:
        refuse_namesakes()
    except NamesakeError as error:
        raise pytest.UsageError(str(error)) from error
    from tck.run.arguments import TargetError, checked_arguments  # noqa: PLC0415 - see above
    from tck.run.session import KitSession  # noqa: PLC0415 - see above

    try:
        # An adapter of whom single tests are asked for may be named again.
        arguments = checked_arguments(
            list(dict.fromkeys(config.option.tck)), config.getoption("--tck-fuzz")
        )
    except TargetError as error:
        raise pytest.UsageError(str(error)) from error
    config.args[:] = [argument for argument in config.args if not _NODE.fullmatch(argument)]
    only = frozenset(config.option.tck_only) or None
    session = KitSession(config, arguments, only)
    config.pluginmanager.register(session, "tck-session")
