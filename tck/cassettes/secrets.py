"""What must never be in a recording: live keys, home folders, the name of this machine."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path

from tck.cassettes.cassette import Cassette

_SECRET_VARIABLE = re.compile(r"(API_KEY|TOKEN|SECRET|PASSWORD|ORG_ID|ORGANIZATION|PROJECT_ID)$")
_SHORTEST = 8


class SecretFoundError(Exception):
    """A recording would hold a secret; the message says where, and does not show it."""


def refuse_secrets(cassette: Cassette, live: Iterable[str]) -> None:
    """Raise `SecretFoundError` when a recording holds what it must not.

    Args:
        cassette: about to be written.
        live: values that were used for this recording, such as its API key.
    """
    forbidden = {value: "a key of this recording" for value in live if value}
    forbidden |= dict(_values_of_this_machine())
    for place, text in _texts(cassette):
        for value, what in forbidden.items():
            if value in text:
                raise SecretFoundError(f"{place} holds {what}; nothing was written")


def _values_of_this_machine() -> Iterator[tuple[str, str]]:
    for name, value in os.environ.items():
        if _SECRET_VARIABLE.search(name.upper()) and len(value) >= _SHORTEST:
            yield value, f"the value of the environment variable {name}"
    yield str(Path.home()), "the path of the home folder"
    host = socket.gethostname()
    # A host that is called by an ordinary word would be found in ordinary text.
    if len(host) >= _SHORTEST and not host.isalpha():
        yield host, "the name of this machine"


def _texts(cassette: Cassette) -> Iterator[tuple[str, str]]:
    yield "the passport", repr(dict(cassette.passport))
    for number, interaction in enumerate(cassette.interactions):
        request, response = interaction.request, interaction.response
        of = f"of interaction {number}"
        yield f"the address {of}", f"{request.path}?{request.query}"
        yield f"a request header {of}", repr(dict(request.headers))
        yield f"the request body {of}", request.body.decode("utf-8", "replace")
        yield f"a response header {of}", repr(dict(response.headers))
        yield f"the response body {of}", response.body.decode("utf-8", "replace")
