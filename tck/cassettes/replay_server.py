"""Replaying cassettes over real HTTP on loopback, for clients of any language.

Requests are matched as they are in the process: on method, path, query and canonical JSON
body. No key is asked for. What nobody has recorded is answered with 404 and the nearest
recording; which fault strikes which request is scripted (`tck.wire.faults`).
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
import queue
import signal
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tck.bundled import BUNDLED
from tck.cassettes.cassette import Interaction, RecordedRequest
from tck.cassettes.differences import explain_miss, nearest
from tck.cassettes.library import read_cassette
from tck.cassettes.matching import Key, canonical_query, match_key
from tck.verdicts import KitError
from tck.wire.dialects import dialect_for
from tck.wire.faults import Fault, strikes
from tck.wire.server import LoopbackServer, Received, Reply, Reset

_DIALECTS = [dialect for name in ("openai", "anthropic") if (dialect := dialect_for(name))]
_HEARTBEAT = 0.5

Say = Callable[[str], None]
"""Shows one line to whoever watches."""


class ServingError(Exception):
    """What was asked for cannot be served; the message is one sentence that says why."""


@dataclass(frozen=True)
class Recording:
    """One recorded interaction, and the cassette that it is from."""

    cassette: str
    """A short name of the file, for messages."""
    interaction: Interaction

    @property
    def key(self) -> Key:
        return match_key(self.interaction.request)

    @property
    def refuses_key(self) -> bool:
        return self.interaction.response.status == 401


def serve(replay: Replay, port: int, say: Say) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        replay: what to answer.
        port: where; 0 takes a free one.
        say: told the base URLs first.

    Raises:
        ServingError: the port cannot be had.
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
        ServingError: the port cannot be had.
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
    return f"port {port} cannot be had: {os.strerror(error.errno or 0)}"


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
        yield f"fault: {fault.spelled}"
    cassettes = {recording.cassette for recording in replay.recordings}
    yield f"serving {len(replay.recordings)} recorded requests of {len(cassettes)} cassettes"
    bases = list(_base_urls(replay.recordings, origin))
    for client, base in bases or [("any client", origin)]:
        yield f"base URL for {client}: {base}"
    yield "any API key is accepted; Ctrl-C stops"


def _base_urls(recordings: Iterable[Recording], origin: str) -> Iterator[tuple[str, str]]:
    requests = [recording.interaction.request for recording in recordings]
    for dialect in _DIALECTS:
        paths = [one.path for one in requests if dialect.route(one.method, one.path)]
        if any(path.startswith(f"{dialect.base_path}/") for path in paths):
            yield f"{dialect.name} clients", origin + dialect.base_path


# --- finding the cassettes ---


def load_recordings(spelled: Sequence[str]) -> list[Recording]:
    """Read every interaction of the cassettes, in the order given, those of a folder by name.

    Args:
        spelled: files, folders that are searched through and through, and names of bundled
            adapters, which stand for their recordings. A file that is found twice is read
            once.

    Raises:
        ServingError: there is no such thing, or nothing in it.
        KitError: a cassette is damaged.
    """
    paths: dict[Path, str] = {}
    for one in spelled:
        for path, name in _cassettes(one):
            paths.setdefault(path.resolve(), name)
    recordings = [
        Recording(name, interaction)
        for path, name in paths.items()
        for interaction in read_cassette(path, "record it again with `tck record`").interactions
    ]
    if not recordings:
        raise ServingError(f"nothing is recorded in {', '.join(spelled)}")
    return recordings


def _cassettes(spelled: str) -> Iterator[tuple[Path, str]]:
    """The files that something on the command line stands for, each with a short name."""
    bundled = BUNDLED[spelled].cassettes if spelled in BUNDLED else None
    place = Path(spelled if bundled is None else bundled)
    if place.is_dir():
        found = sorted(path for path in place.rglob("*.json") if path.is_file())
        if not found:
            raise ServingError(f"there are no cassettes in the folder {place}")
        for path in found:
            yield path, str(Path(place.resolve().name, path.relative_to(place)))
    elif place.exists():
        yield place, spelled
    else:
        raise ServingError(
            f"there is no file or folder {spelled!r}, and no bundled adapter of that name: those "
            f"are {', '.join(BUNDLED)}"
        )


# --- answering ---


class Replay:
    """Answers requests with what was recorded, and tells of each.

    Equal requests get their recorded replies in order, and then the last one again. A
    recorded 401 is left out when another cassette answers the same request: which key was
    sent is not looked at, so it would be refused at random.

    Args:
        recordings: see `load_recordings`.
        faults: what befalls requests before anything is replayed; a request that is struck
            uses no recording up.
        once: play each recording a single time.
        say: told one line a request, from the server's thread.
    """

    def __init__(
        self,
        recordings: Sequence[Recording],
        *,
        faults: Sequence[Fault] = (),
        once: bool = False,
        say: Say = lambda _: None,
    ) -> None:
        self.left_out = list(_superfluous(recordings))
        left_out = {id(recording) for recording, _ in self.left_out}
        self.recordings = [one for one in recordings if id(one) not in left_out]
        self.faults = faults
        self._strikes = strikes(faults)
        self._once = once
        self._say = say
        self._waiting: defaultdict[Key, deque[Recording]] = defaultdict(deque)
        for recording in self.recordings:
            self._waiting[recording.key].append(recording)

    async def respond(self, received: Received) -> Reply | Reset | None:
        """Answer one request; for a `LoopbackServer`."""
        sent = RecordedRequest(
            received.method,
            received.path,
            canonical_query(received.query),
            received.headers,
            received.body,
        )
        fault = next(self._strikes, None)
        if fault is None:
            return self._replayed(sent, used_up=True)
        if fault.kind == "cut":
            whole = self._replayed(sent, used_up=False, note=f" (fault {fault.spelled})")
            return Reply(whole.body, whole.status, whole.headers, cut_at=len(whole.body) // 2)
        self._tell(sent, f"{fault.status or fault.kind} (fault {fault.spelled})")
        if fault.kind == "reset":
            return Reset()
        if fault.kind == "stall":
            await asyncio.Event().wait()
        message = f"tck serve was told to answer {fault.status}"
        return _error(sent, fault.status, message, fault.headers)

    def _replayed(self, sent: RecordedRequest, *, used_up: bool, note: str = "") -> Reply:
        waiting = self._waiting.get(match_key(sent))
        if not waiting:
            return self._missed(sent, note)
        recording, response = waiting[0], waiting[0].interaction.response
        if used_up and (self._once or len(waiting) > 1):
            waiting.popleft()
        self._tell(sent, f"{response.status} {recording.cassette}{note}")
        return Reply(response.body, response.status, response.headers)

    def _missed(self, sent: RecordedRequest, note: str) -> Reply:
        requests = [recording.interaction.request for recording in self.recordings]
        number, differences = nearest(sent, requests)
        cassette = self.recordings[number].cassette
        explained = explain_miss(sent, [requests[number]])
        message = _printable(f"no recording answers {explained}; the nearest is {cassette}")
        self._tell(sent, f"404 {message}{note}")
        near = {
            "cassette": cassette,
            "method": requests[number].method,
            "path": requests[number].path,
            "differences": [_printable(difference) for difference in differences],
        }
        # What is not recorded will not be when it is asked for again.
        return _error(sent, 404, message, {"x-should-retry": "false"}, nearest=near)

    def _tell(self, sent: RecordedRequest, what: str) -> None:
        self._say(_printable(f"{sent.method} {sent.path} -> {what}"))


def _superfluous(recordings: Iterable[Recording]) -> Iterator[tuple[Recording, Recording]]:
    """Each refusal of a key, with what another cassette answers to the same request."""
    equal: defaultdict[Key, list[Recording]] = defaultdict(list)
    for recording in recordings:
        equal[recording.key].append(recording)
    for group in equal.values():
        answers = [recording for recording in group if not recording.refuses_key]
        for refusal in group:
            own = any(answer.cassette == refusal.cassette for answer in answers)
            if refusal.refuses_key and answers and not own:
                yield refusal, answers[0]


def _error(
    sent: RecordedRequest, status: int, message: str, headers: Mapping[str, str], **more: Any
) -> Reply:
    """An error in the shape of the wire that the request is of, or else of OpenAI's."""
    known = (dialect for dialect in _DIALECTS if dialect.route(sent.method, sent.path))
    body = json.loads(next(known, _DIALECTS[0]).write_error(status, message))
    body["error"] |= more
    return Reply(json.dumps(body).encode(), status, headers)


def _printable(text: str) -> str:
    """A text that steers no terminal and can be encoded, whatever a client has sent."""
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1] for character in text
    )


def _address(recording: Recording) -> str:
    return f"{recording.interaction.request.method} {recording.interaction.request.path}"
