"""A worker process, as the process that grades sees it: started, asked, watched and killed."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing import Pipe
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
    """

    def __init__(self, argument: str, examples: int) -> None:
        self.argument = argument
        self.printed = b""
        """The end of what it has printed."""
        self._token = secrets.token_hex(8)
        self.connection, theirs = Pipe()
        os.set_inheritable(theirs.fileno(), True)
        code = _START.format(path=sys.path, pipe=theirs.fileno())
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and code
            [sys.executable, "-P", "-X", "faulthandler", "-c", code],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
            env=os.environ | {_MARK: self._token},
        )
        theirs.close()
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        self.output = self._process.stdout
        os.set_blocking(self.output.fileno(), False)
        self.say({"argument": argument, "examples": examples})

    def say(self, message: dict[str, Any]) -> None:
        """Send it a message; one that has ended already will be found out when it is heard."""
        with suppress(OSError):
            self.connection.send_bytes(json.dumps(message).encode())

    def hear(self) -> dict[str, Any] | None:
        """Its next message; ``None`` when there will be none any more."""
        try:
            message = json.loads(self.connection.recv_bytes())
        except (EOFError, OSError, ValueError):
            return None
        return message if isinstance(message, dict) else None

    def drain(self) -> bool:
        """Read what it has printed; false when nothing more will come."""
        try:
            chunk = os.read(self.output.fileno(), _CHUNK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self.printed = (self.printed + chunk)[-_KEPT:]
        return bool(chunk)

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
            if not self.drain():
                break
        self.connection.close()
        self.output.close()


_LAST_WORDS = 2.0
_CHUNKS = 64


def _marked(token: str) -> Iterator[int]:
    """The groups of processes that a worker has started and that have left its own.

    Only where the environment of other processes can be read, as on Linux.
    """
    wanted = f"{_MARK}={token}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                yield os.getpgid(int(folder.name))
        except OSError:
            continue
