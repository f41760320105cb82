"""vcrpy, with its defaults replaced.

vcrpy patches the HTTP libraries. What it does with a request is ours: recordings are
matched by an index over method, path, query and canonical JSON body, each is played once,
a miss is remembered however the adapter takes it, and no file is read or written here.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any

from vcr.cassette import Cassette as VcrCassette
from vcr.filters import decode_response
from vcr.record_mode import RecordMode
from vcr.request import Request as VcrRequest

from tck.cassettes.cassette import Interaction, RecordedRequest, RecordedResponse
from tck.cassettes.matching import Key, canonical_query, match_key

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


class Player(VcrCassette):  # type: ignore[misc] # vcrpy has no types
    """Plays recorded interactions to whatever asks, in any order, each once."""

    def __init__(self, path: str, interactions: Iterable[Interaction] = ()) -> None:
        super().__init__(path, record_mode=RecordMode.NONE)
        self._interactions = list(interactions)
        self._unplayed: defaultdict[Key, deque[int]] = defaultdict(deque)
        self.played: list[Interaction] = []
        self.misses: dict[Key, RecordedRequest] = {}

    def _load(self) -> None:
        for number, interaction in enumerate(self._interactions):
            self._unplayed[match_key(interaction.request)].append(number)
        self.rewound = True

    def _save(self, force: bool = False) -> None:
        del force

    def can_play_response_for(self, request: VcrRequest) -> bool:
        recorded = _recorded_request(request)
        key = match_key(recorded)
        if self._unplayed[key]:
            return True
        self.misses.setdefault(key, recorded)
        return False

    def play_response(self, request: VcrRequest) -> dict[str, Any]:
        number = self._unplayed[match_key(_recorded_request(request))].popleft()
        interaction = self._interactions[number]
        self.played.append(interaction)
        return _vcr_response(interaction.response)

    def find_requests_with_most_matches(self, request: VcrRequest) -> list[Any]:
        # vcrpy asks for its error text, which nobody reads: we tell what differs.
        del request
        return []

    def __len__(self) -> int:
        return len(self._interactions)

    @property
    def unplayed(self) -> list[Interaction]:
        """What nobody has asked for, in the order of the recording."""
        numbers = sorted(number for numbers in self._unplayed.values() for number in numbers)
        return [self._interactions[number] for number in numbers]


class Recorder(VcrCassette):  # type: ignore[misc] # vcrpy has no types
    """Lets every request through and keeps it in memory with its response."""

    def __init__(self, path: str) -> None:
        super().__init__(path, record_mode=RecordMode.ALL)

    def _load(self) -> None:
        pass

    def _save(self, force: bool = False) -> None:
        del force

    @property
    def interactions(self) -> list[Interaction]:
        """What was exchanged, in the order of the responses."""
        return [
            Interaction(_recorded_request(request), _recorded_response(response))
            for request, response in self.data
        ]

    @property
    def user_agents(self) -> list[str]:
        """What the adapter's HTTP clients call themselves, each once."""
        agents = (request.headers.get("user-agent", "") for request, _ in self.data)
        return list(dict.fromkeys(agent for agent in agents if agent))


def playing(interactions: Iterable[Interaction]) -> AbstractContextManager[Player]:
    """Intercept every HTTP library that vcrpy knows and play the interactions."""
    player: AbstractContextManager[Player] = Player.use(path="replay", interactions=interactions)
    return player


def recording() -> AbstractContextManager[Recorder]:
    """Intercept every HTTP library that vcrpy knows and record what goes through."""
    recorder: AbstractContextManager[Recorder] = Recorder.use(path="recording")
    return recorder


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
    kept = {
        name.lower(): value if isinstance(value, str) else ", ".join(map(str, value))
        for name, value in headers.items()
        if name.lower() in KEPT_HEADERS
    }
    return dict(sorted(kept.items()))
