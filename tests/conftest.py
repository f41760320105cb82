"""Fixtures that several tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tck.isolation import isolated_environment

pytest_plugins = ["pytester"]


@pytest.fixture(autouse=True)
def _no_keys_and_proxies() -> Iterator[None]:
    """The environment of whoever runs the tests changes nothing."""
    with isolated_environment():
        yield
