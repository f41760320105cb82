"""What is logged while a check runs."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def captured_logs() -> Iterator[list[str]]:
    """Everything that is logged meanwhile, by any logger and at any level."""
    records: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            with suppress(Exception):  # a record that cannot be formatted shows nothing
                records.append(self.format(record))

    root, handler = logging.getLogger(), Handler(level=logging.NOTSET)
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield records
    finally:
        root.setLevel(level)
        root.removeHandler(handler)
