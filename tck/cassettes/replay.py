"""What a server of cassettes answers: the matching recording, or a fault.

Requests are matched as they are in the process: on method, path, query and canonical JSON
body. No key is asked for. A request without a recording is answered with 404 and the nearest
recording. Which fault strikes which request is scripted (`tck.wire.faults`).
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tck.cassettes.cassette import Interaction, RecordedRequest
from tck.cassettes.differences import explain_miss, nearest
from tck.cassettes.library import CassetteFile, read_cassette
from tck.cassettes.matching import Key, canonical_query, match_key
from tck.wire.dialects import dialect_for
from tck.wire.faults import Fault, strikes
from tck.wire.server import Received, Reply, Reset

DIALECTS = [dialect for name in ("openai", "anthropic") if (dialect := dialect_for(name))]
"""Those whose clients get a base URL, and errors in their own shape."""

Say = Callable[[str], None]
"""Shows one line to the user."""


@dataclass(frozen=True)
class StoredInteraction:
    """One recorded interaction, and the cassette that holds it."""

    cassette: str
    """A short name of the file, for messages."""
    interaction: Interaction

    @property
    def key(self) -> Key:
        return match_key(self.interaction.request)

    @property
    def refuses_key(self) -> bool:
        return self.interaction.response.status == 401


def read_interactions(files: Iterable[CassetteFile]) -> list[StoredInteraction]:
    """Every interaction of the cassettes, in the order given.

    Raises:
        KitError: a cassette is damaged.
    """
    remedy = "record it again with `tck record`"
    return [
        StoredInteraction(file.name, interaction)
        for file in files
        for interaction in read_cassette(file.path, remedy).interactions
    ]


class Replay:
    """Answers requests with what was recorded, and reports each.

    Equal requests get their recorded replies in order, and then the last one again. A
    recorded 401 is left out when another cassette answers the same request: keys are not
    looked at, so requests would be refused at random.

    Args:
        recordings: see `read_interactions`.
        faults: trouble for requests before anything is replayed; a request that is struck
            uses no recording up.
        once: play each recording a single time.
        say: called with one line for each request, in the server's thread.
    """

    def __init__(
        self,
        recordings: Sequence[StoredInteraction],
        *,
        faults: Sequence[Fault] = (),
        once: bool = False,
        say: Say = lambda _: None,
    ) -> None:
        self.left_out = list(_superfluous(recordings))
        left_out = {id(recording) for recording, _ in self.left_out}
        self.recordings = [item for item in recordings if id(item) not in left_out]
        self.faults = faults
        self._strikes = strikes(faults)
        self._once = once
        self._say = say
        self._waiting: defaultdict[Key, deque[StoredInteraction]] = defaultdict(deque)
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
            whole = self._replayed(sent, used_up=False, note=f" (fault {fault.text})")
            return Reply(whole.body, whole.status, whole.headers, cut_at=len(whole.body) // 2)
        self._tell(sent, f"{fault.status or fault.kind} (fault {fault.text})")
        if fault.kind == "reset":
            return Reset()
        if fault.kind == "stall":
            await asyncio.Event().wait()
        message = f"tck serve answers {fault.status} because of --fault"
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
        # Asking again does not help: it is not recorded.
        return _error(sent, 404, message, {"x-should-retry": "false"}, nearest=near)

    def _tell(self, sent: RecordedRequest, what: str) -> None:
        self._say(_printable(f"{sent.method} {sent.path} -> {what}"))


def _superfluous(
    recordings: Iterable[StoredInteraction],
) -> Iterator[tuple[StoredInteraction, StoredInteraction]]:
    """Each refusal of a key, with what another cassette answers to the same request."""
    equal: defaultdict[Key, list[StoredInteraction]] = defaultdict(list)
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
    """An error in the shape of the request's wire; of OpenAI's for an unknown wire."""
    known = (dialect for dialect in DIALECTS if dialect.route(sent.method, sent.path))
    body = json.loads(next(known, DIALECTS[0]).write_error(status, message))
    body["error"] |= more
    return Reply(json.dumps(body).encode(), status, headers)


def _printable(text: str) -> str:
    """A text without control characters, which can be printed anywhere."""
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1] for character in text
    )
