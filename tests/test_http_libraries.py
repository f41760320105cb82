"""An adapter may be written with any HTTP library: it records, replays and is graded alike."""

from __future__ import annotations

import asyncio
import json
import threading
import urllib.request
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import aiohttp
import httpx
import httpx2
import pytest
import requests

from tck.cassettes.cassette import Interaction, RecordedRequest, RecordedResponse
from tck.cassettes.interception import playing, recording
from tck.wire.guard import NetworkGuard
from tck.wire.server import LoopbackServer, Received, Reply

Post = Callable[[str, object], Awaitable[bytes]]
ANSWER = '{"answer": "Füße"}'.encode()


async def _httpx(url: str, body: object) -> bytes:
    async with httpx.AsyncClient(verify=False) as client:
        return (await client.post(url, json=body)).content


async def _httpx2(url: str, body: object) -> bytes:
    async with httpx2.AsyncClient(verify=False) as client:
        return (await client.post(url, json=body)).content


async def _aiohttp(url: str, body: object) -> bytes:
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as response:
        return await response.read()


async def _aiohttp_bytes(url: str, body: object) -> bytes:
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=json.dumps(body).encode()) as response,
    ):
        return await response.read()


async def _requests(url: str, body: object) -> bytes:
    return (await asyncio.to_thread(requests.post, url, json=body, timeout=5)).content


async def _urllib(url: str, body: object) -> bytes:
    def post() -> bytes:
        request = urllib.request.Request(url, json.dumps(body).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=5) as response:
            content: bytes = response.read()
            return content

    return await asyncio.to_thread(post)


LIBRARIES = [_httpx, _httpx2, _aiohttp, _aiohttp_bytes, _requests, _urllib]


@pytest.mark.parametrize("post", LIBRARIES, ids=lambda post: post.__name__.strip("_"))
async def test_records_and_replays(post: Post) -> None:
    async def respond(_: Received) -> Reply:
        return Reply(ANSWER)

    bodies = [{"n": number, "text": "東京"} for number in range(5)]
    with LoopbackServer(respond, limit=10) as server, recording() as recorder:
        for body in bodies:
            assert await post(f"{server.origin}/v1/x", body) == ANSWER
    assert [json.loads(one.request.body) for one in recorder.interactions] == bodies
    assert [one.response.body for one in recorder.interactions] == [ANSWER] * 5

    with playing(recorder.interactions) as player:
        for body in reversed(bodies):
            assert await post("http://127.0.0.1:9/v1/x", body) == ANSWER
    assert player.unplayed == []
    assert player.misses == {}


@pytest.mark.parametrize("post", LIBRARIES, ids=lambda post: post.__name__.strip("_"))
async def test_replays_what_is_encrypted(post: Post) -> None:
    request = RecordedRequest("POST", "/v1/x", "", {}, b'{"n": 1}')
    with playing([Interaction(request, RecordedResponse(200, "OK", {}, ANSWER))]) as player:
        assert await post("https://provider.test/v1/x", {"n": 1}) == ANSWER
    assert player.unplayed == []


CONCURRENT = [_httpx, _httpx2, _aiohttp, _requests]


@pytest.mark.parametrize("post", CONCURRENT, ids=lambda post: post.__name__.strip("_"))
def test_many_calls_in_two_threads_with_a_tape_each(post: Post) -> None:
    numbers = range(60)

    def replay(added: int) -> None:
        tape = [
            Interaction(
                RecordedRequest("POST", "/v1/x", "", {}, b'{"n": %d}' % number),
                RecordedResponse(200, "OK", {}, b"%d" % (number + added)),
            )
            for number in numbers
        ]

        async def ask_all() -> None:
            with playing(tape) as player:
                started.wait(20)
                calls = (post("http://provider.test/v1/x", {"n": number}) for number in numbers)
                answers = await asyncio.gather(*calls)
                ended.wait(20)
            assert [int(answer) - added for answer in answers] == list(numbers)
            assert (player.unplayed, player.misses) == ([], {})

        asyncio.run(ask_all())

    # The same requests in both, with other answers.
    started, ended = threading.Barrier(2), threading.Barrier(2)
    with NetworkGuard() as guard, ThreadPoolExecutor(2) as pool:
        list(pool.map(replay, (1000, 2000)))
    assert guard.hosts == []
