"""The ways in which a check can end other than well, and what it has found then.

Exception
├── Violation     the adapter does not do what the requirement says
├── Exempt        it need not: a limit that it declares has proved true
├── NotApplicable there is nothing to check: the requirement speaks of what it does not do
├── NotVerified   the kit could not find out, for a reason that is nobody's fault
└── KitError      the kit itself failed; it says nothing about the adapter
    └── LateMachineError  the machine was too slow for a bound to mean anything
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Self

BEHAVIOUR = "behaviour"
"""The cause of a finding that no other requirement shares: what the adapter does."""
HANGS = "hangs"
"""The cause where a call does not end, though nobody has asked it to be quick."""
LATE_MACHINE = "late-machine"
"""The cause where a bound means nothing, as the machine was too slow."""


@dataclass(frozen=True)
class Exchange:
    """The last request that reached the loopback server before a finding, and its reply.

    Bodies are texts, cut where they are long; headers are left out.
    """

    method: str
    path: str
    request: str
    status: int | None
    """``None`` where the server hung up instead of a reply."""
    reply: str


@dataclass(frozen=True)
class Finding:
    """What was found where a requirement is failed or not verified."""

    expected: str
    seen: str
    look_at: str
    """What to look at first, or what to do."""
    cause: str = BEHAVIOUR
    """Why, as a stable code. Findings of one adapter with an equal cause, unless it is
    `BEHAVIOUR`, are one: reporters tell it once, with all requirements that it withholds."""
    place: str | None = None
    """``file:line`` in the adapter's code, where a traceback has one."""
    trace: str = ""
    """The traceback of the adapter's exception, if any."""
    exchange: Exchange | None = None

    def as_data(self) -> dict[str, Any]:
        """Plain data, as JSON has it."""
        return asdict(self)

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Self:
        """What `as_data` made."""
        exchange = data.get("exchange")
        known = {field.name for field in fields(cls)}
        return cls(
            **{name: value for name, value in data.items() if name in known - {"exchange"}},
            exchange=None if exchange is None else Exchange(**exchange),
        )


class Violation(Exception):  # noqa: N818 - the word of the catalogue
    """The adapter breaks a requirement.

    Attributes:
        expected: what the requirement asks for.
        seen: what the adapter did.
        look_at: what to look at first, when that is more than the catalogue's own hint.
        cause: see `Finding.cause`.
    """

    def __init__(
        self, *, expected: str, seen: str, look_at: str | None = None, cause: str = BEHAVIOUR
    ) -> None:
        super().__init__(f"expected {expected}; seen {seen}")
        self.expected = expected
        self.seen = seen
        self.look_at = look_at
        self.cause = cause


class Exempt(Exception):  # noqa: N818 - the word of the catalogue
    """A declared limit exempts the adapter, and the claim was checked; the message says so."""


class NotApplicable(Exception):  # noqa: N818 - the word of the catalogue
    """The requirement is of something that the adapter does not do; the message says what."""


class NotVerified(Exception):  # noqa: N818 - the word of the catalogue
    """The requirement could not be checked.

    Attributes:
        why: one clause.
        remedy: what to do, such as a command.
        cause: see `Finding.cause`.
    """

    def __init__(self, why: str, remedy: str = "", *, cause: str = BEHAVIOUR) -> None:
        super().__init__(f"{why}: {remedy}" if remedy else why)
        self.why = why
        self.remedy = remedy
        self.cause = cause


class KitError(Exception):
    """The kit is broken: a dead server, a damaged cassette, a fault of a check."""


class LateMachineError(KitError):
    """The machine was late, not the adapter; the message says by how much."""
