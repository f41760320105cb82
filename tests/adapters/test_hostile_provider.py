"""Whatever a provider does, only `ProviderError`s leave a call, inside its deadline."""

from __future__ import annotations

import asyncio
import time

import pytest

from llm import (
    ProviderAuthError,
    ProviderError,
    ProviderInvalidRequestError,
    ProviderRateLimitError,
    ProviderServiceError,
    ProviderTimeoutError,
)
from tck.wire.server import LoopbackServer, Received, Reply
from tests.adapters.serving import CHAT_ADAPTERS, HELLO, provider, reply, served

# What the SDKs themselves let through, or hide: bodies of a 200 that are no reply.
MALFORMED = {
    "empty": b"",
    "html": b"<html><body>Bad gateway</body></html>",
    "truncated": b'{"id": "x", "choices": [{"message": {"content": "hal',
    "null": b"null",
    "list": b"[]",
    "text": b'"hello"',
    "nothing in it": b"{}",
    "no choices": b'{"choices": [], "content": null, "model": "m"}',
    "error object": b'{"error": {"message": "overloaded", "code": 529}}',
    "wrong types": b'{"choices": [{"message": {"content": 5}, "finish_reason": "stop"}], '
    b'"content": [{"type": "text", "text": 5}], "model": "m", "usage": {}, "stop_reason": "x"}',
    "no message": b'{"choices": [{"finish_reason": "stop"}], "content": 7, "model": "m"}',
    "not UTF-8": b'{"choices": "\xff"}',
}


@CHAT_ADAPTERS
@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
async def test_an_unreadable_reply_is_a_provider_error(name: str, body: bytes) -> None:
    with served(lambda _: Reply(body)) as server:
        async with provider(name, server.origin, max_retries=0) as adapter:
            with pytest.raises(ProviderServiceError):
                await adapter.complete(HELLO)


@CHAT_ADAPTERS
async def test_every_status_is_a_provider_error(name: str) -> None:
    status = 400
    with served(lambda _: reply(name, status)) as server:
        async with provider(name, server.origin, max_retries=0) as adapter:
            for status in range(400, 600):
                with pytest.raises(ProviderError) as caught:
                    await adapter.complete(HELLO)
                assert caught.value.__cause__ is not None
                if status >= 500:
                    assert isinstance(caught.value, ProviderServiceError), status


@CHAT_ADAPTERS
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, ProviderInvalidRequestError),
        (401, ProviderAuthError),
        (403, ProviderAuthError),
        (404, ProviderInvalidRequestError),
        (408, ProviderTimeoutError),
        (413, ProviderInvalidRequestError),
        (422, ProviderInvalidRequestError),
        (429, ProviderRateLimitError),
        (529, ProviderServiceError),
    ],
)
async def test_statuses(name: str, status: int, expected: type[ProviderError]) -> None:
    with served(lambda _: reply(name, status)) as server:
        async with provider(name, server.origin, max_retries=0) as adapter:
            with pytest.raises(expected) as caught:
                await adapter.complete(HELLO)
    assert type(caught.value) is expected


@CHAT_ADAPTERS
async def test_a_passing_failure_is_retried(name: str) -> None:
    replies = [reply(name, 503, retry_after="0"), reply(name, 429, retry_after="0")]
    with served(lambda r: replies[r.number] if r.number < 2 else reply(name)) as server:
        async with provider(name, server.origin, max_retries=2) as adapter:
            assert (await adapter.complete(HELLO)).content == "hi"
    assert len(server.received) == 3


@CHAT_ADAPTERS
@pytest.mark.parametrize("status", [400, 401, 404, 422])
async def test_what_is_the_callers_fault_is_not_retried(name: str, status: int) -> None:
    with served(lambda _: reply(name, status)) as server:
        async with provider(name, server.origin) as adapter:
            with pytest.raises(ProviderError):
                await adapter.complete(HELLO)
    assert len(server.received) == 1


@CHAT_ADAPTERS
async def test_retries_are_counted(name: str) -> None:
    with served(lambda _: reply(name, 500, retry_after="0")) as server:
        async with provider(name, server.origin, max_retries=3) as adapter:
            with pytest.raises(ProviderServiceError):
                await adapter.complete(HELLO)
    assert len(server.received) == 4


@CHAT_ADAPTERS
async def test_a_wait_beyond_the_deadline_is_not_waited_for(name: str) -> None:
    with served(lambda _: reply(name, 429, retry_after="3600")) as server:
        async with provider(name, server.origin, timeout=30) as adapter:
            start = time.perf_counter()
            with pytest.raises(ProviderRateLimitError) as caught:
                await adapter.complete(HELLO)
    assert caught.value.retry_after == 3600.0
    assert time.perf_counter() - start < 5
    assert len(server.received) == 1


@CHAT_ADAPTERS
async def test_the_server_may_forbid_a_retry(name: str) -> None:
    with served(lambda _: reply(name, 503, x_should_retry="false")) as server:
        async with provider(name, server.origin) as adapter:
            with pytest.raises(ProviderServiceError):
                await adapter.complete(HELLO)
    assert len(server.received) == 1


@CHAT_ADAPTERS
async def test_an_unreachable_server_is_a_service_error(name: str) -> None:
    with served(lambda _: reply(name)) as server:
        origin = server.origin
    async with provider(name, origin, max_retries=0) as adapter:
        with pytest.raises(ProviderServiceError, match=r"[Cc]onnect"):
            await adapter.complete(HELLO)


@CHAT_ADAPTERS
async def test_a_reset_before_the_reply_is_retried_and_then_a_service_error(name: str) -> None:
    with served(lambda _: None) as server:
        async with provider(name, server.origin, max_retries=1) as adapter:
            with pytest.raises(ProviderServiceError):
                await adapter.complete(HELLO)
    assert len(server.received) == 2


@CHAT_ADAPTERS
async def test_a_body_cut_short_is_a_service_error(name: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n")
        writer.write(b'content-length: 500\r\n\r\n{"choices": [{"mess')
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with provider(name, origin, max_retries=0) as adapter:
            with pytest.raises(ProviderServiceError):
                await adapter.complete(HELLO)


def _stalled() -> LoopbackServer:
    async def responder(received: Received) -> Reply | None:
        await asyncio.Event().wait()
        return None

    return LoopbackServer(responder, limit=60)


@CHAT_ADAPTERS
async def test_a_stall_is_a_timeout_and_the_provider_stays_usable(name: str) -> None:
    with _stalled() as server:
        async with provider(name, server.origin, timeout=30) as adapter:
            start = time.perf_counter()
            with pytest.raises(ProviderTimeoutError):
                await adapter.complete(HELLO, timeout=0.2)
            with pytest.raises(ProviderTimeoutError):
                await adapter.complete(HELLO, timeout=0.2)
    assert time.perf_counter() - start < 5


@CHAT_ADAPTERS
async def test_retries_stay_inside_the_deadline(name: str) -> None:
    with served(lambda _: reply(name, 503)) as server:
        async with provider(name, server.origin, max_retries=100) as adapter:
            start = time.perf_counter()
            with pytest.raises(ProviderError):
                await adapter.complete(HELLO, timeout=1)
    assert time.perf_counter() - start < 4
    assert 1 < len(server.received) < 10
