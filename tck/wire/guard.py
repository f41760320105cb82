"""Blocks every contact beyond loopback, and remembers the hosts."""

from __future__ import annotations

import ipaddress
import sys
import threading
from types import TracebackType
from typing import Self

_LOOKUPS = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}
_TRANSFERS = {"socket.connect", "socket.sendto", "socket.sendmsg"}
_UNSPECIFIED = {"", "localhost", "0.0.0.0", "::"}  # noqa: S104 - compared with, not bound to


class NetworkBlockedError(OSError):
    """Code tried to reach a host that is not this machine's loopback."""


class NetworkGuard:
    """While open, every contact beyond loopback raises `NetworkBlockedError`.

    It listens to the interpreter's audit events, which no Python code can get around;
    a library that opens sockets in C by itself (libuv, curl) raises none.
    """

    def __init__(self) -> None:
        self.hosts: list[str] = []
        """``host:port`` or ``host`` of what was tried, each once, in order."""
        self.strays: list[str] = []
        """The same of what was tried by threads that are older than the opening of this guard."""
        self._older: set[threading.Thread] = set()

    def __enter__(self) -> Self:
        _install()
        self._older = set(threading.enumerate()) - {threading.current_thread()}
        _open_guards.append(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _open_guards.remove(self)
        self._older.clear()

    def remember(self, contact: str) -> None:
        """Remember that the current thread tried to reach a host."""
        stray = threading.current_thread() in self._older
        contacts = self.strays if stray else self.hosts
        if contact not in contacts:
            contacts.append(contact)


_open_guards: list[NetworkGuard] = []
_installed = False


def _install() -> None:
    global _installed  # noqa: PLW0603 - an audit hook can be added once and never removed
    if not _installed:
        _installed = True
        sys.addaudithook(_audit)


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if not _open_guards:
        return
    if event in _TRANSFERS:
        address = arguments[1]
        # A path is a Unix socket; no address at all is a socket that is connected already.
        if not isinstance(address, tuple) or len(address) < 2:
            return
        host, port = address[0], address[1]
    elif event in _LOOKUPS:
        host, port = arguments[0], arguments[1] if len(arguments) > 1 else None
    else:
        return
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host or "")
    if _is_loopback(name):
        return
    contact = f"{name}:{port}" if port else name
    for guard in _open_guards:
        guard.remember(contact)
    raise NetworkBlockedError(
        f"{contact} was not contacted: while adapters are graded, nothing but loopback is"
    )


def _is_loopback(host: str) -> bool:
    if host in _UNSPECIFIED or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False
