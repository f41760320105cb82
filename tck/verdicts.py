"""The ways in which a check can end other than well.

Exception
├── Violation     the adapter does not do what the requirement says
├── Exempt        it need not: a limit that it declares has proved true
├── NotApplicable there is nothing to check: the requirement speaks of what it does not do
├── NotVerified   the kit could not find out, for a reason that is nobody's fault
└── KitError      the kit itself failed; it says nothing about the adapter
"""

from __future__ import annotations


class Violation(Exception):  # noqa: N818 - the word of the catalogue
    """The adapter breaks a requirement.

    Attributes:
        expected: what the requirement asks for.
        seen: what the adapter did.
        look_at: what to look at first, when that is more than the catalogue's own hint.
    """

    def __init__(self, *, expected: str, seen: str, look_at: str | None = None) -> None:
        super().__init__(f"expected {expected}; seen {seen}")
        self.expected = expected
        self.seen = seen
        self.look_at = look_at


class Exempt(Exception):  # noqa: N818 - the word of the catalogue
    """A declared limit exempts the adapter, and the claim was checked; the message says so."""


class NotApplicable(Exception):  # noqa: N818 - the word of the catalogue
    """The requirement is of something that the adapter does not do; the message says what."""


class NotVerified(Exception):  # noqa: N818 - the word of the catalogue
    """The requirement could not be checked; the message says why and what to do."""


class KitError(Exception):
    """The kit is broken: a dead server, a damaged cassette, a fault of a check."""
