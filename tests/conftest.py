"""Fixtures that several tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tck.run.environment import isolated_environment

# The quick profile is for every run, and the same each time; the deep one is `tox -e fuzz`.
settings.register_profile("quick", deadline=None, derandomize=True)
settings.register_profile(
    "deep",
    deadline=None,
    max_examples=5_000,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

pytest_plugins = ["pytester"]

# Reports are wrapped where COLUMNS is set. Pytest imports readline, which sets it for every
# child, and so for the workers of pytest-xdist.
os.environ.pop("COLUMNS", None)
os.unsetenv("COLUMNS")


@pytest.fixture(autouse=True)
def _no_keys_and_proxies() -> Iterator[None]:
    """The environment of whoever runs the tests changes nothing."""
    with isolated_environment():
        yield
