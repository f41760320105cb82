"""The player and the recorder of interactions. No HTTP library, no vcrpy."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import replace

from tck.cassettes.cassette import Interaction, RecordedRequest, RecordedResponse
from tck.cassettes.matching import Key, match_key


class Player:
    """Plays recorded interactions, in any order of requests, each once.

    Recordings are found by an index, so that a cassette of any size replays in linear time.
    A miss is remembered whatever the adapter does about it. Safe to use in threads.
    """

    def __init__(self, interactions: Iterable[Interaction]) -> None:
        self._interactions = list(interactions)
        self._unplayed: defaultdict[Key, deque[int]] = defaultdict(deque)
        for number, interaction in enumerate(self._interactions):
            self._unplayed[match_key(interaction.request)].append(number)
        self.misses: dict[Key, RecordedRequest] = {}
        """Requests that no recording answered, each once."""

    def has(self, request: RecordedRequest) -> bool:
        """Whether a recording is left for a request."""
        return bool(self._unplayed.get(match_key(request)))

    def play(self, request: RecordedRequest) -> RecordedResponse | None:
        """The recorded response to a request; ``None``, and a miss, when none is left."""
        left = self._unplayed[match_key(request)]
        try:
            response = self._interactions[left.popleft()].response
        except IndexError:
            self.miss(request)
            return None
        return _at_once(response) if left else response

    def miss(self, request: RecordedRequest) -> None:
        """Remember that a request was not answered."""
        self.misses.setdefault(match_key(request), request)

    @property
    def unplayed(self) -> list[Interaction]:
        """What was never played, in the order of the recording."""
        numbers = sorted(number for numbers in self._unplayed.values() for number in numbers)
        return [self._interactions[number] for number in numbers]


def _at_once(response: RecordedResponse) -> RecordedResponse:
    """A response that the adapter tried again after, with nothing to wait for.

    The last response keeps its headers: the adapter may report them.
    """
    waits = {"retry-after": "0", "retry-after-ms": "1"}
    if not response.headers.keys() & waits.keys():
        return response
    return replace(response, headers={**response.headers, **waits})


class Recorder:
    """Keeps what was exchanged in memory."""

    def __init__(self) -> None:
        self.interactions: list[Interaction] = []
        """In the order of the responses."""
        self.headers: list[dict[str, str]] = []
        """All headers of each request and of each response, which no recording keeps."""
        self.addresses: list[str] = []
        """Of each request, as it was sent."""

    def keep(
        self, interaction: Interaction, address: str, headers: Iterable[dict[str, str]]
    ) -> None:
        """Keep an exchange, and apart from it what no recording may hold."""
        self.interactions.append(interaction)
        self.addresses.append(address)
        self.headers += headers

    @property
    def user_agents(self) -> list[str]:
        """What the adapter's HTTP clients call themselves, each once."""
        agents = (headers.get("user-agent", "") for headers in self.headers)
        return list(dict.fromkeys(agent for agent in agents if agent))
