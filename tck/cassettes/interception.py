"""vcrpy, with its defaults replaced.

vcrpy patches the HTTP libraries, for the whole process. This module decides where a request
goes: to the tape of the task or thread that makes it. No file is read or written. Several
tapes may run at once, each in its own tasks and threads. While one runs, a request without a
tape, or that its tape does not know, reaches no network.
"""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any
from unittest import mock

import vcr.patch
from vcr.cassette import Cassette as VcrCassette
from vcr.filters import decode_response
from vcr.patch import CassettePatcherBuilder
from vcr.record_mode import RecordMode
from vcr.request import Request as VcrRequest

from tck.cassettes.cassette import Interaction, RecordedRequest, RecordedResponse
from tck.cassettes.matching import canonical_query
from tck.cassettes.tapes import Player, Recorder

# Nothing else is kept of a request or a response: neither keys nor cookies nor hosts.
KEPT_HEADERS = frozenset(
    {
        "anthropic-beta",
        "anthropic-version",
        "content-type",
        "openai-version",
        "request-id",
        "retry-after",
        "retry-after-ms",
        "x-request-id",
        "x-should-retry",
    }
)

Tape = Player | Recorder


@contextmanager
def playing(interactions: Iterable[Interaction]) -> Iterator[Player]:
    """Intercept every HTTP library that vcrpy knows and play the interactions."""
    player = Player(interactions)
    with _running(player):
        yield player


@contextmanager
def recording() -> Iterator[Recorder]:
    """Intercept every HTTP library that vcrpy knows and record what goes through."""
    recorder = Recorder()
    with _running(recorder):
        yield recorder


class _Switchboard(VcrCassette):  # type: ignore[misc] # vcrpy has no types
    """The one cassette that vcrpy knows: it hands every request on to the tape that it is for."""

    def __init__(self, path: str) -> None:
        super().__init__(path, record_mode=RecordMode.NONE)
        self.tapes: list[Tape] = []

    def _load(self) -> None:
        self.rewound = True

    def _save(self, force: bool = False) -> None:
        del force

    @property
    def write_protected(self) -> bool:
        """Whether the caller's requests are stopped; vcrpy asks after a miss."""
        return not isinstance(self._tape(), Recorder)

    def can_play_response_for(self, request: VcrRequest) -> bool:
        """Whether a response is there for a request: vcrpy's name for what claims it here.

        vcrpy asks up to twice before it plays.
        """
        return _CLAIMED in vars(request) or self._claim(request)

    def play_response(self, request: VcrRequest) -> dict[str, Any]:
        return _vcr_response(vars(request).pop(_CLAIMED))

    def _claim(self, request: VcrRequest) -> bool:
        """Take the response to a request off its tape and keep it with the request, if any.

        Taking it at once keeps other threads from claiming it before vcrpy plays it.
        """
        recorded = _recorded_request(request)
        tape = self._tape(recorded)
        if isinstance(tape, Recorder):
            return False
        if tape is None:
            self._miss(recorded)
            return False
        response = tape.play(recorded)
        if response is not None:
            vars(request)[_CLAIMED] = response
        return response is not None

    def append(self, request: VcrRequest, response: dict[str, Any]) -> None:
        tape = self._tape()
        if isinstance(tape, Recorder):
            interaction = Interaction(_recorded_request(request), _recorded_response(response))
            headers = (_plain(request.headers), _plain(response["headers"]))
            tape.keep(interaction, request.url, headers)

    def find_requests_with_most_matches(self, request: VcrRequest) -> list[Any]:
        # vcrpy wants them for its error text, which nobody reads: we report what differs.
        del request
        return []

    def __len__(self) -> int:
        return 0

    def _tape(self, request: RecordedRequest | None = None) -> Tape | None:
        """The tape of this task or thread; ``None`` if it cannot be known.

        A thread that an adapter has started by itself belongs to no tape. Its requests are
        for the only one there is, or the only one that can answer them.
        """
        own = _own_tape.get()
        if own in self.tapes:
            return own
        if len(self.tapes) == 1:
            return self.tapes[0]
        players = [tape for tape in self.tapes if isinstance(tape, Player)]
        able = [player for player in players if request is not None and player.has(request)]
        return able[0] if len(able) == 1 else None

    def _miss(self, request: RecordedRequest) -> None:
        """Count a request as a miss of every player: whose it was cannot be known."""
        for tape in self.tapes:
            if isinstance(tape, Player):
                tape.miss(request)


_CLAIMED = "_tck_response"
_own_tape: ContextVar[Tape | None] = ContextVar("tck_tape", default=None)
_lock = threading.Lock()
_resetting = threading.RLock()
_HTTP_CONNECTION, _HTTPS_CONNECTION = http.client.HTTPConnection, http.client.HTTPSConnection
_switchboard = _Switchboard("no file")
_patches: AbstractContextManager[object] | None = None


@contextmanager
def _running(tape: Tape) -> Iterator[None]:
    _plug_in(tape)
    token = _own_tape.set(tape)
    try:
        yield
    finally:
        _own_tape.reset(token)
        _plug_out(tape)


def _plug_in(tape: Tape) -> None:
    global _patches  # noqa: PLW0603 - the libraries are patched once for all tapes
    with _lock:
        if _patches is None:
            _patches = _patched()
            _patches.__enter__()
        _switchboard.tapes.append(tape)


def _plug_out(tape: Tape) -> None:
    global _patches  # noqa: PLW0603 - as above
    with _lock:
        _switchboard.tapes.remove(tape)
        if not _switchboard.tapes and _patches is not None:
            _patches.__exit__(None, None, None)
            _patches = None


@contextmanager
def _patched() -> Iterator[None]:
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(vcr.patch, "force_reset", _reset_for_real_ones))
        for patcher in CassettePatcherBuilder(_switchboard).build():
            stack.enter_context(patcher)
        yield


@contextmanager
def _reset_for_real_ones() -> Iterator[None]:
    """Put the real classes back that vcrpy needs for a real connection beneath its own.

    vcrpy's way takes all patches off for a moment, in which requests of every other thread
    reach the network. Only these two classes look themselves up by their names.
    """
    with (
        _resetting,
        mock.patch.object(http.client, "HTTPConnection", _HTTP_CONNECTION),
        mock.patch.object(http.client, "HTTPSConnection", _HTTPS_CONNECTION),
    ):
        yield


def _recorded_request(request: VcrRequest) -> RecordedRequest:
    return RecordedRequest(
        method=request.method,
        path=request.path,
        query=canonical_query(request.parsed_uri.query),
        headers=_kept(request.headers),
        body=_body_bytes(request.body),
    )


def _body_bytes(body: Any) -> bytes:
    """A request's body, which vcrpy hands on in whatever form the HTTP library was given it."""
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, bytes | bytearray | memoryview):
        return bytes(body)
    if hasattr(body, "read"):
        return _body_bytes(body.read())
    if isinstance(body, Iterator):
        return b"".join(map(_body_bytes, body))
    return json.dumps(body, ensure_ascii=False).encode()  # aiohttp's `json=`


def _recorded_response(response: dict[str, Any]) -> RecordedResponse:
    plain = decode_response(response)
    return RecordedResponse(
        status=plain["status"]["code"],
        reason=plain["status"]["message"] or "",
        headers=_kept(plain["headers"]),
        body=plain["body"]["string"] or b"",
    )


def _vcr_response(response: RecordedResponse) -> dict[str, Any]:
    return {
        "status": {"code": response.status, "message": response.reason},
        "headers": {name: [value] for name, value in response.headers.items()},
        "body": {"string": response.body},
    }


def _kept(headers: Mapping[str, Any]) -> dict[str, str]:
    plain = _plain(headers)
    return {name: plain[name] for name in sorted(plain.keys() & KEPT_HEADERS)}


def _plain(headers: Mapping[str, Any]) -> dict[str, str]:
    """Headers by names in lower case, the values of repeated ones joined."""
    return {
        str(name).lower(): value if isinstance(value, str) else ", ".join(map(str, value))
        for name, value in headers.items()
    }
