"""The child process that loads one adapter and assesses its requirements, one at a time.

It is told what to assess over a pipe, and answers over the same with plain JSON: nothing that an
adapter may have made is unpickled by the process that grades.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Any

from tck.catalogue import requirements
from tck.run.arguments import TargetError
from tck.run.assessment import assess
from tck.run.packages import loaded_packages
from tck.run.places import comes_from_the_adapter
from tck.run.targets import Target, UnloadableError, load_target, unloadable
from tck.wire.guard import NetworkGuard
from tck.wire.server import LoopbackServer

BEAT = 0.5
"""Seconds between two signs of life."""


def main(descriptor: int) -> None:
    """Serve the parent at the other end of a pipe until it has no more to assess.

    Args:
        descriptor: of the pipe, which no child of ours inherits.
    """
    os.set_inheritable(descriptor, False)
    channel = _Channel(socket.socket(fileno=descriptor))
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
    except BaseException as error:
        if isinstance(error, Exception) and not comes_from_the_adapter(error):
            raise
        finding = unloadable(error, "its description", order["argument"])
        channel.send({"unloadable": finding.as_data(), "hosts": guard.hosts})
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
    start = monotonic()
    result = assess(target, requirements()[asked], isolated=True)
    channel.send(
        {
            "result": result.as_data(),
            "seconds": max(0.0, monotonic() - start),
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


class _Channel:
    """The conversation with the parent, a line of JSON a message, for several threads."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._lines = connection.makefile("rb")
        self._lock = threading.Lock()
        self._process = os.getpid()

    def receive(self) -> dict[str, Any]:
        """What the parent says next; when the parent has gone, this process ends."""
        self._assert_no_fork()
        try:
            message: dict[str, Any] = json.loads(self._lines.readline())
        except (OSError, ValueError):
            _end()
        return message

    def send(self, message: Mapping[str, Any]) -> None:
        self._assert_no_fork()
        with self._lock:
            try:
                self._connection.sendall(json.dumps(message).encode() + b"\n")
            except OSError:
                _end()

    def _assert_no_fork(self) -> None:
        """End the copy of this process that an adapter has made and let go on."""
        if os.getpid() != self._process:
            os._exit(0)

    def beat(self) -> None:
        """Say how many requests have come, now and then: a sign that an adapter does not hang."""
        while True:
            sleep(BEAT)
            self.send({"requests": LoopbackServer.arrivals})


def _end() -> None:
    """The parent has gone: nobody would stop this process, nor what it has started."""
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    main(int(sys.argv[1]))
