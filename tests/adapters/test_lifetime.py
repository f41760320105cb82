"""Event loops, threads, and the end of an adapter's life."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import pytest

from llm import ChatMessage
from llm.adapters._per_loop import PerLoop
from tck.wire.server import LoopbackServer, Received, Reply
from tests.adapters.serving import CHAT_ADAPTERS, HELLO, body_of, provider, reply, served
from tests.helpers import REPOSITORY


@CHAT_ADAPTERS
def test_usable_in_one_event_loop_after_another(name: str) -> None:
    with served(lambda _: reply(name)) as server:
        adapter = provider(name, server.origin)

        async def once() -> str:
            content: str = (await adapter.complete(HELLO)).content
            await adapter.aclose()
            return content

        assert [asyncio.run(once()), asyncio.run(once())] == ["hi", "hi"]


@CHAT_ADAPTERS
async def test_no_timeout_is_no_limit(name: str) -> None:
    with served(lambda _: reply(name)) as server:
        async with provider(name, server.origin, timeout=None) as adapter:
            assert (await adapter.complete(HELLO)).content == "hi"


@CHAT_ADAPTERS
def test_usable_in_threads_with_an_event_loop_each(name: str) -> None:
    with served(lambda _: reply(name)) as server:
        adapter = provider(name, server.origin)

        async def several() -> list[str]:
            completions = await asyncio.gather(*(adapter.complete(HELLO) for _ in range(5)))
            await adapter.aclose()
            return [completion.content for completion in completions]

        with ThreadPoolExecutor(4) as threads:
            found = list(threads.map(lambda _: asyncio.run(several()), range(4)))
    assert found == [["hi"] * 5] * 4


@CHAT_ADAPTERS
def test_loops_that_are_gone_leave_nothing_behind(name: str) -> None:
    with served(lambda _: reply(name)) as server:
        adapter = provider(name, server.origin)
        for _ in range(3):
            asyncio.run(adapter.complete(HELLO))
            assert not adapter._clients._held


def test_a_loop_that_was_closed_by_hand_is_forgotten_at_the_next_use() -> None:
    clients = PerLoop(lambda: nullcontext("client"))
    by_hand = asyncio.new_event_loop()
    assert by_hand.run_until_complete(clients.get()) == "client"
    by_hand.close()

    async def held() -> int:
        await clients.get()
        return len(clients._held)

    assert asyncio.run(held()) == 1


@CHAT_ADAPTERS
async def test_a_cancelled_call_leaves_the_provider_usable(name: str) -> None:
    loop, arrived = asyncio.get_running_loop(), asyncio.Event()

    async def responder(received: Received) -> Reply:
        if received.number == 0:
            loop.call_soon_threadsafe(arrived.set)
            await asyncio.Event().wait()
        return reply(name)

    with LoopbackServer(responder, limit=60) as server:
        async with provider(name, server.origin) as adapter:
            call = asyncio.create_task(adapter.complete(HELLO))
            await arrived.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            assert (await adapter.complete(HELLO)).content == "hi"


UNCLOSED = """
import asyncio, gc, sys
from llm import ChatMessage
from llm.adapters._per_loop import PerLoop
from tests.adapters.serving import HELLO, provider, reply, served

with served(lambda _: reply({name!r})) as server:
    adapter = provider({name!r}, server.origin)

    async def once():
        return (await adapter.complete(HELLO)).content

    print(asyncio.run(once()), asyncio.run(once()))
    del adapter
gc.collect()
"""


@CHAT_ADAPTERS
def test_nothing_warns_when_nobody_closes(name: str) -> None:
    command = [sys.executable, "-X", "dev", "-W", "always::ResourceWarning", "-c"]
    run = subprocess.run(
        [*command, UNCLOSED.format(name=name)],
        capture_output=True,
        text=True,
        check=True,
        cwd=REPOSITORY,
    )
    assert run.stdout == "hi hi\n"
    assert "unclosed" not in run.stderr.lower()
    assert "never awaited" not in run.stderr


@CHAT_ADAPTERS
async def test_a_thousand_calls_at_once_each_get_their_own_answer(name: str) -> None:
    calls = 1000
    waiting: list[asyncio.Future[None]] = []

    async def responder(received: Received) -> Reply:
        # A hundred at a time are answered, the last one first.
        mine = asyncio.get_running_loop().create_future()
        waiting.append(mine)
        if len(waiting) == calls // 10:
            for future in reversed(waiting):
                future.set_result(None)
            waiting.clear()
        await mine
        return reply(name, text=_last_text(received))

    with LoopbackServer(responder, limit=60) as server:
        async with provider(name, server.origin) as adapter:
            texts = [f"call {number}" for number in range(calls)]
            completions = await asyncio.gather(
                *(adapter.complete([ChatMessage(role="user", content=text)]) for text in texts)
            )
    assert [completion.content for completion in completions] == texts


def _last_text(received: Received) -> str:
    content = body_of(received)["messages"][-1]["content"]
    text: str = content if isinstance(content, str) else content[0]["text"]
    return text


@CHAT_ADAPTERS
async def test_closing_twice_is_harmless(name: str) -> None:
    with served(lambda _: reply(name)) as server:
        async with provider(name, server.origin) as adapter:
            await adapter.complete(HELLO)
            await adapter.aclose()
            await adapter.aclose()


@CHAT_ADAPTERS
async def test_raw_is_the_response_when_it_was_asked_for(name: str) -> None:
    with served(lambda _: reply(name)) as server:
        async with provider(name, server.origin) as adapter:
            assert (await adapter.complete(HELLO)).raw is None
        async with provider(name, server.origin, return_raw=True) as adapter:
            raw = (await adapter.complete(HELLO)).raw
        # LiteLLM gives its own shape to every provider's response.
        said = json.loads(reply(name).body)
        assert raw == said if not name.startswith("litellm") else raw["model"] == said["model"]
