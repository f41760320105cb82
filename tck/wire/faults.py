"""Trouble that a server on loopback makes, as a script says.

``KIND[:HEADER=VALUE,…][*N]`` is one fault:

=========  =========================================================================
``503``    any status from 400 to 599 is answered, with the headers that are given
``stall``  nothing is answered, and the connection stays open
``reset``  the connection is reset
``cut``    half of the reply's body is sent, and the connection is closed
=========  =========================================================================

With ``*N`` it strikes N requests, without it every request. The next fault begins when the
one before it is used up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, repeat
from typing import Literal

Kind = Literal["status", "stall", "reset", "cut"]

_FAULT = re.compile(
    r"(?:(?P<status>[45]\d\d)(?::(?P<headers>.+?))?|(?P<word>stall|reset|cut))"
    r"(?:\*(?P<times>[1-9]\d{0,8}))?"
)
# A comma inside a date does not separate headers.
_BETWEEN_HEADERS = re.compile(r",(?=[a-z-]+=)")
_HEADER = re.compile(
    r"(?P<name>retry-after|retry-after-ms|x-should-retry)=(?P<value>[!-~]( ?[!-~])*)"
)


@dataclass(frozen=True)
class Fault:
    """Trouble for some requests."""

    text: str
    """As it was given."""
    kind: Kind
    status: int
    """What is answered when ``kind`` is ``status``."""
    headers: Mapping[str, str]
    times: int | None
    """How many requests it strikes; ``None``: every one."""


def parse_faults(texts: Sequence[str]) -> list[Fault]:
    """Read faults, in the order in which they strike.

    Raises:
        ValueError: one is not understood, or would never strike; the message is one sentence.
    """
    faults = [_parse(text) for text in texts]
    for fault, later in pairwise(faults):
        if fault.times is None:
            raise ValueError(
                f"the fault {later.text!r} would never strike, as {fault.text!r} before it "
                f"strikes every request: say how many, such as '{fault.text}*2'"
            )
    return faults


def strikes(faults: Iterable[Fault]) -> Iterator[Fault]:
    """The fault of the first request, the second, and so on, until none is left."""
    for fault in faults:
        yield from repeat(fault) if fault.times is None else repeat(fault, fault.times)


def _parse(text: str) -> Fault:
    found = _FAULT.fullmatch(text)
    if found is None:
        raise ValueError(
            f"{text!r} is not a fault: it is a status from 400 to 599, such as 503 or "
            "429:retry-after=2, or stall, reset or cut, and *N after it strikes N requests, as "
            "in 503*2"
        )
    kinds: dict[str | None, Kind] = {"stall": "stall", "reset": "reset", "cut": "cut"}
    return Fault(
        text=text,
        kind=kinds.get(found["word"], "status"),
        status=int(found["status"] or 0),
        headers=dict(_header(part, text) for part in _headers(found["headers"])),
        times=int(found["times"]) if found["times"] else None,
    )


def _headers(text: str | None) -> list[str]:
    return _BETWEEN_HEADERS.split(text) if text else []


def _header(header: str, fault: str) -> tuple[str, str]:
    found = _HEADER.fullmatch(header)
    if found is None:
        raise ValueError(
            f"{header!r} in the fault {fault!r} is not a header that a fault can have: "
            "retry-after=SECONDS or a date, retry-after-ms=N, x-should-retry=true or false"
        )
    return found["name"], found["value"]
