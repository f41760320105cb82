"""The cassette file: recorded interactions and the passport that says where they come from.

A file is valid only when it is, byte for byte, what `dumps` writes for its contents, and
its digest is theirs: a truncation or an edit by hand cannot pass for a recording.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from tck.cassettes import bodies

FORMAT = "tck-cassette/1"


class DamagedError(ValueError):
    """A text is not a cassette, or was changed since it was written."""


@dataclass(frozen=True)
class RecordedRequest:
    """A request, without the host that it went to."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class RecordedResponse:
    """A response, its body freed of any content-encoding."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Interaction:
    """One request and its response."""

    request: RecordedRequest
    response: RecordedResponse


@dataclass(frozen=True)
class Cassette:
    """What one scenario recorded.

    Attributes:
        passport: where the recording comes from, see `tck.cassettes.record_scenario`.
    """

    passport: Mapping[str, Any]
    interactions: tuple[Interaction, ...]

    @property
    def fresh_until(self) -> date | None:
        """The last day on which it stands for what its provider says; ``None`` if not declared."""
        try:
            return date.fromisoformat(self.passport["fresh_until"])
        except (KeyError, TypeError, ValueError):
            return None


def dumps(cassette: Cassette) -> str:
    """The text of a cassette's file."""
    content = {
        "format": FORMAT,
        "passport": dict(cassette.passport),
        "count": len(cassette.interactions),
        "interactions": [_to_json(interaction) for interaction in cassette.interactions],
    }
    sealed = {"digest": _digest(content), **content}
    return json.dumps(sealed, ensure_ascii=False, indent=2) + "\n"


def loads(data: bytes) -> Cassette:
    """Read a cassette's file.

    Raises:
        DamagedError: it is not exactly what `dumps` wrote.
    """
    try:
        content = json.loads(data)
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise DamagedError(f"it does not say that its format is {FORMAT}")
        interactions = tuple(_from_json(item) for item in content["interactions"])
        cassette = Cassette(content["passport"], interactions)
        written = dumps(cassette).encode()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, DamagedError):
            raise
        raise DamagedError(f"it cannot be read: {error}") from error
    if content.get("count") != len(interactions):
        raise DamagedError(
            f"it says that it holds {content.get('count')!r} interactions, and holds "
            f"{len(interactions)}"
        )
    if written != data:
        raise DamagedError("its contents are not those that its digest was made of")
    return cassette


def _digest(content: Mapping[str, Any]) -> str:
    canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()


def _to_json(interaction: Interaction) -> dict[str, Any]:
    request, response = interaction.request, interaction.response
    return {
        "request": {
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "headers": dict(request.headers),
            "body": bodies.encode(request.body),
        },
        "response": {
            "status": response.status,
            "reason": response.reason,
            "headers": dict(response.headers),
            "body": bodies.encode(response.body),
        },
    }


def _from_json(item: dict[str, Any]) -> Interaction:
    request, response = item["request"], item["response"]
    return Interaction(
        RecordedRequest(**{**request, "body": bodies.decode(request["body"])}),
        RecordedResponse(**{**response, "body": bodies.decode(response["body"])}),
    )
