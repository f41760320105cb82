"""Replaying cassettes over real HTTP on loopback, for clients of any language."""

from __future__ import annotations

import errno
import os
import queue
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from tck.cassettes.replay import DIALECTS, Replay, Say, StoredInteraction
from tck.verdicts import KitError
from tck.wire.server import LoopbackServer

_HEARTBEAT = 0.5


class ServingError(Exception):
    """The server cannot start; the message is one sentence that says why."""


def serve(replay: Replay, port: int, say: Say) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        replay: what to answer.
        port: where; 0 takes a free one.
        say: called with the base URLs first.

    Raises:
        ServingError: the port is not free.
        KitError: the server failed.
    """
    with _signals() as signals, listening(replay, port) as server:
        for line in _introduction(replay, server.origin):
            say(line)
        while not _arrived(signals):
            if server.fault is not None or not server.alive:
                raise KitError(f"the loopback server failed: {server.fault!r}")


@contextmanager
def listening(replay: Replay, port: int = 0) -> Iterator[LoopbackServer]:
    """A server that answers with ``replay`` while the context is open.

    Raises:
        ServingError: the port is not free.
    """
    if not 0 <= port <= 65535:
        raise ServingError(f"there is no port {port}: they are from 1 to 65535, and 0 for any")
    server = LoopbackServer(replay.respond, limit=None, port=port, remember=False)
    try:
        server.__enter__()
    except KitError as error:
        if not isinstance(server.fault, OSError):
            raise
        raise ServingError(_unavailable(port, server.fault)) from error
    try:
        yield server
    finally:
        server.__exit__(None, None, None)


def _unavailable(port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is in use: name another, or leave --port away for a free one"
    return f"port {port} cannot be used: {os.strerror(error.errno or 0)}"


@contextmanager
def _signals() -> Iterator[queue.SimpleQueue[int]]:
    """The signals to stop that have arrived while the context is open."""
    # Unlike an event's, its `put` may interrupt the same thread's `get`.
    arrived: queue.SimpleQueue[int] = queue.SimpleQueue()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda which, _: arrived.put(which)) for number in numbers]
    try:
        yield arrived
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _arrived(signals: queue.SimpleQueue[int]) -> bool:
    """Wait a moment for a signal."""
    try:
        signals.get(timeout=_HEARTBEAT)
    except queue.Empty:
        return False
    return True


def _introduction(replay: Replay, origin: str) -> Iterator[str]:
    for recording, other in replay.left_out:
        yield (
            f"left out: {recording.cassette} refuses a key ({_address(recording)}), and "
            f"{other.cassette} answers the same request"
        )
    for fault in replay.faults:
        yield f"fault: {fault.text}"
    cassettes = {recording.cassette for recording in replay.recordings}
    yield f"serving {len(replay.recordings)} recorded requests of {len(cassettes)} cassettes"
    bases = list(_base_urls(replay.recordings, origin))
    for client, base in bases or [("any client", origin)]:
        yield f"base URL for {client}: {base}"
    yield "any API key is accepted; Ctrl-C stops"


def _base_urls(recordings: Iterable[StoredInteraction], origin: str) -> Iterator[tuple[str, str]]:
    requests = [recording.interaction.request for recording in recordings]
    for dialect in DIALECTS:
        paths = [sent.path for sent in requests if dialect.route(sent.method, sent.path)]
        if any(path.startswith(f"{dialect.base_path}/") for path in paths):
            yield f"{dialect.name} clients", origin + dialect.base_path


def _address(recording: StoredInteraction) -> str:
    return f"{recording.interaction.request.method} {recording.interaction.request.path}"
