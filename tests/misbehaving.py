"""Adapters that exit, crash, hang or leave things behind: right in all but one deed.

Each is ``call_DEED`` or ``factory_DEED``: what it does, and when.
"""

from __future__ import annotations

import asyncio
import atexit
import ctypes
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from tck import AdapterUnderTest
from tests.mutants.conforming import Chat, Completion, Usage, described


class OddError(BaseException):
    """Not an `Exception`."""


def _raise(error: BaseException) -> None:
    raise error


def _recur() -> None:
    _recur()


def _start_children() -> None:
    subprocess.Popen(["sleep", "3607"])
    subprocess.Popen(["sleep", "3607"], start_new_session=True)


def _print() -> None:
    sys.stdout.write('{"format": "mine"}' * 10_000)
    sys.stderr.write("boo")
    os.write(1, b"raw")


DEEDS: dict[str, Callable[[], Any]] = {
    "sys_exit": lambda: sys.exit(0),
    "os_exit": lambda: os._exit(0),
    "skip": lambda: pytest.skip("not today"),
    "pytest_exit": lambda: pytest.exit("enough", 0),
    "segfault": lambda: ctypes.string_at(0),
    "abort": os.abort,
    "interrupt": lambda: _raise(KeyboardInterrupt()),
    "generator_exit": lambda: _raise(GeneratorExit()),
    "odd": lambda: _raise(OddError("odd")),
    "memory": lambda: _raise(MemoryError()),
    "recursion": _recur,
    "terminate": lambda: os.kill(os.getpid(), signal.SIGTERM),
    "kill_group": lambda: os.killpg(os.getpgrp(), signal.SIGKILL),
    "close_files": lambda: os.closerange(3, 64),
    "later": lambda: threading.Timer(0.2, os._exit, (0,)).start(),
    "sleep": lambda: time.sleep(3600),
    "hold_the_lock": lambda: re.match(r"(a+)+$", "a" * 40 + "b"),
    "threads": lambda: threading.Thread(target=time.sleep, args=(3600,)).start(),
    "at_exit": lambda: atexit.register(time.sleep, 3600),
    "children": _start_children,
    "print": _print,
}


async def _never() -> None:
    await asyncio.Event().wait()


async def _deaf() -> None:
    while True:
        try:
            await asyncio.sleep(3600)
        except BaseException:
            continue


async def _stop_the_loop() -> None:
    asyncio.get_running_loop().stop()
    await asyncio.sleep(0)


async def _exit_in_a_task() -> None:
    async def leave() -> None:
        sys.exit(0)

    await asyncio.create_task(leave())


ASYNC_DEEDS = {
    "never": _never,
    "deaf": _deaf,
    "stop_the_loop": _stop_the_loop,
    "exit_in_a_task": _exit_in_a_task,
}


def _adapter(deed: str, when: str) -> AdapterUnderTest:
    class Misbehaving(Chat):
        def __init__(self, *arguments: Any) -> None:
            if when == "factory":
                DEEDS[deed]()
            super().__init__(*arguments)

        async def complete(
            self,
            messages: Any,
            *,
            temperature: float = 0.0,
            max_tokens: int | None = None,
            stop: Any = None,
            timeout: float | None = None,
        ) -> Any:
            if when == "call" and deed in ASYNC_DEEDS:
                await ASYNC_DEEDS[deed]()
            elif when == "call":
                DEEDS[deed]()
            return await super().complete(
                messages,
                temperature=temperature,
                max_tokens=max_tokens,
                stop=stop,
                timeout=timeout,
            )

    return described(f"{when}-{deed}".replace("_", "-"), Misbehaving)


for _deed in DEEDS:
    globals()[f"factory_{_deed}"] = _adapter(_deed, "factory")
for _deed in (*DEEDS, *ASYNC_DEEDS):
    globals()[f"call_{_deed}"] = _adapter(_deed, "call")


class _Canned(Chat):
    async def complete(
        self,
        messages: Any,
        *,
        temperature: float = 0.0,
        max_tokens: int | None = None,
        stop: Any = None,
        timeout: float | None = None,
    ) -> Any:
        return Completion("ok", "wire-model-2026-01-01", "stop", Usage(3, 2, 5, 0))


call_canned = described("call-canned", _Canned)
