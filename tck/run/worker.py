"""The child process that loads one adapter and assesses its requirements, one at a time.

It is told what to assess over a pipe, and answers over the same with plain JSON: nothing that an
adapter may have made is unpickled by the process that grades.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import metadata
from multiprocessing.connection import Connection
from typing import Any

from tck.catalogue import requirements
from tck.run.arguments import TargetError
from tck.run.assessment import assess
from tck.run.targets import Target, UnloadableError, load_target
from tck.wire.guard import NetworkGuard
from tck.wire.server import LoopbackServer

BEAT = 0.5
"""Seconds between two signs of life."""

_REPORTED = (
    *("aiohttp", "anthropic", "google-genai", "groq", "httpx", "httpx2", "hypothesis", "litellm"),
    *("mistralai", "ollama", "openai", "pydantic", "requests", "sentence-transformers"),
    *("together", "torch", "urllib3", "vcrpy"),
)
_MODULES = {"vcrpy": "vcr", "google-genai": "google.genai"}


def main(descriptor: int) -> None:
    """Serve the parent at the other end of a pipe until it has no more to assess.

    Args:
        descriptor: of the pipe, which no child of ours inherits.
    """
    os.set_inheritable(descriptor, False)
    channel = _Channel(Connection(descriptor))
    threading.Thread(target=channel.beat, name="tck-beat", daemon=True).start()
    left: dict[str, list[threading.Thread]] = {}
    try:
        with NetworkGuard() as guard:
            order = channel.receive()
            target = _loaded(order, channel, guard)
            while target is not None and (asked := channel.receive().get("assess")):
                with started_threads() as threads:
                    _assess(target, asked, channel, guard)
                left[asked] = threads
    except BaseException:  # noqa: BLE001 - what the adapter raises does not come here
        channel.send({"crashed": traceback.format_exc()})
    # The interpreter waits for these now, as it would in a program of the adapter's users.
    names = {
        asked: [one.name for one in threads if one.is_alive()] for asked, threads in left.items()
    }
    channel.send({"left": {asked: found for asked, found in names.items() if found}})


def _loaded(order: Mapping[str, Any], channel: _Channel, guard: NetworkGuard) -> Target | None:
    try:
        target = load_target(
            order["argument"],
            order["examples"],
            began=lambda phase: channel.send({"phase": phase}),
            isolated=True,
        )
    except TargetError as error:
        channel.send({"refused": str(error)})
        return None
    except UnloadableError as error:
        channel.send({"unloadable": error.finding.as_data(), "hosts": guard.hosts})
        return None
    channel.send(
        {
            "loaded": target.declaration.as_data(),
            "hosts": guard.hosts,
            "packages": loaded_packages(),
        }
    )
    return target


def _assess(target: Target, asked: str, channel: _Channel, guard: NetworkGuard) -> None:
    start = time.monotonic()
    result = assess(target, requirements()[asked], isolated=True)
    channel.send(
        {
            "result": result.as_data(),
            "seconds": time.monotonic() - start,
            "hosts": guard.hosts,
            "packages": loaded_packages(),
        }
    )


@contextmanager
def started_threads() -> Iterator[list[threading.Thread]]:
    """The threads that are started meanwhile and go on, but for those that nobody waits for."""
    before = set(threading.enumerate())
    started: list[threading.Thread] = []
    yield started
    started += [one for one in threading.enumerate() if one not in before and not one.daemon]


def loaded_packages() -> dict[str, str]:
    """Versions of the SDKs and HTTP libraries that this process has loaded, and of hypothesis."""
    found = {}
    for name in _REPORTED:
        if _MODULES.get(name, name.replace("-", "_")) in sys.modules:
            with suppress(metadata.PackageNotFoundError):
                found[name] = metadata.version(name)
    return found


class _Channel:
    """The pipe to the parent, for several threads."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    def receive(self) -> dict[str, Any]:
        """What the parent says next; a parent that has gone says that there is no more."""
        try:
            message: dict[str, Any] = json.loads(self._connection.recv_bytes())
        except (EOFError, OSError):
            _end()
        return message

    def send(self, message: Mapping[str, Any]) -> None:
        with self._lock:
            try:
                self._connection.send_bytes(json.dumps(message).encode())
            except OSError:
                _end()

    def beat(self) -> None:
        """Say how many requests have come, now and then: a sign that an adapter does not hang."""
        while True:
            time.sleep(BEAT)
            self.send({"requests": LoopbackServer.arrivals})


def _end() -> None:
    """The parent has gone: nobody would stop this process, nor what it has started."""
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    main(int(sys.argv[1]))
