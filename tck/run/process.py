"""A worker process, as the process that grades sees it: started, asked, watched and killed."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

_MARK = "TCK_WORKER"
_START = "import sys; sys.path[:] = {path!r}; from tck.run.worker import main; main({pipe})"
_KEPT = 4000
_CHUNK = 65536


class Worker:
    """One worker process and all that it starts.

    What it prints is read, and only the end of it kept.

    Args:
        argument: how the adapter that it assesses is called.
        examples: how many examples a drawn check tries.
        scratch: a folder for what libraries write, so that nothing appears in the current one.
    """

    def __init__(self, argument: str, examples: int, scratch: str) -> None:
        self.argument = argument
        self.printed = b""
        """The end of what it has printed."""
        self._token = secrets.token_hex(8)
        self.connection, theirs = socket.socketpair()
        self._heard = b""
        code = _START.format(path=sys.path, pipe=theirs.fileno())
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and code
            [sys.executable, "-P", "-X", "faulthandler", "-c", code],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
            env=os.environ | {_MARK: self._token, "HYPOTHESIS_STORAGE_DIRECTORY": scratch},
        )
        theirs.close()
        self.connection.setblocking(False)
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        self.output = self._process.stdout
        os.set_blocking(self.output.fileno(), False)
        self.prints = True
        """Whether more may come of what it prints."""
        self.say({"argument": argument, "examples": examples})

    def say(self, message: dict[str, Any]) -> None:
        """Send it a message; one that has ended already will be found out when it is heard."""
        with suppress(OSError):
            self.connection.sendall(json.dumps(message).encode() + b"\n")

    def hear(self) -> list[dict[str, Any]] | None:
        """Its messages so far; ``None`` when there will be none any more.

        What is not a message ends the conversation: an adapter may write to any file.
        """
        try:
            chunk = self.connection.recv(_CHUNK)
        except BlockingIOError:
            return []
        except OSError:
            return None
        *lines, self._heard = (self._heard + chunk).split(b"\n")
        try:
            messages = [json.loads(line) for line in lines]
        except ValueError:
            return None
        if not all(isinstance(message, dict) for message in messages):
            return None
        return messages or ([] if chunk and len(self._heard) < _LONGEST else None)

    def drain(self) -> None:
        """Read what it has printed."""
        try:
            chunk = os.read(self.output.fileno(), _CHUNK)
        except BlockingIOError:
            return
        except (OSError, ValueError):
            chunk = b""
        self.prints = bool(chunk)
        self.printed = (self.printed + chunk)[-_KEPT:]

    @property
    def has_ended(self) -> bool:
        """Whether the process is no more, though what it started may hold its files open."""
        return self._process.poll() is not None

    def exit_status(self) -> int | None:
        """How it has ended, negative for a signal; ``None`` when it has not.

        For who has just closed the pipe and is about to end.
        """
        with suppress(subprocess.TimeoutExpired):
            return self._process.wait(_LAST_WORDS)
        return None

    def kill(self) -> None:
        """End it, with all that it has started."""
        for group in (self._process.pid, *_marked(self._token)):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)
        self._process.wait()
        # Bounded, as somebody else may still hold the other end and write.
        for _ in range(_CHUNKS):
            before = self.printed
            if self.prints:
                self.drain()
            if self.printed == before:
                break
        self.connection.close()
        self.output.close()


_LAST_WORDS = 2.0
_LONGEST = 256 * 1024 * 1024
_CHUNKS = 64


def _marked(token: str) -> Iterator[int]:
    """The groups of processes that a worker has started and that have left its own.

    Only where the environment of other processes can be read, as on Linux.
    """
    wanted = f"{_MARK}={token}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                group = os.getpgid(int(folder.name))
                if group != os.getpgrp():
                    yield group
        except OSError:
            continue
