"""When one recording serves a request: the same method, path, query and canonical JSON body.

Headers do not count, since they hold keys; nor does the order of the requests.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

from tck.cassettes.cassette import RecordedRequest

Key = tuple[str, str, str, str]


def match_key(request: RecordedRequest) -> Key:
    """What two requests have in common when one recording serves both."""
    return request.method, request.path, request.query, _canonical(request.body)


def canonical_query(query: str) -> str:
    """The query of an address as it is recorded: decoded, and in the order of its names."""
    pairs = sorted(parse_qsl(query, keep_blank_values=True))
    return "&".join(f"{name}={value}" for name, value in pairs)


def _canonical(body: bytes) -> str:
    try:
        value = _plain_numbers(json.loads(body))
        return json.dumps(value, sort_keys=True, ensure_ascii=False)
    except (ValueError, RecursionError):
        return repr(body)


def _plain_numbers(value: Any) -> Any:
    """0.0 and 0 are one number in JSON, and SDKs write now one, now the other."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_plain_numbers(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain_numbers(item) for name, item in value.items()}
    return value
