"""The loopback server, the scripts, and the network guard."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress

import httpx2
import pytest

from tck.verdicts import KitError, NotVerified
from tck.wire.dialects import dialect_for
from tck.wire.dialects.model import ChatReply, ChatRequest, EmbeddingDialect
from tck.wire.guard import NetworkBlockedError, NetworkGuard
from tck.wire.server import LoopbackServer, Received, Reply, Reset
from tck.wire.wire import Wire

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


async def _echo(received: Received) -> Reply:
    return Reply(received.body, 201, {"X-Path": received.path})


def _post(url: str, json: object = None, timeout: float = 5.0) -> httpx2.Response:
    with httpx2.Client(verify=False, timeout=timeout, trust_env=False) as client:
        return client.post(url, json=json)


def test_replies_and_remembers() -> None:
    with LoopbackServer(_echo, limit=10) as server:
        response = _post(f"{server.origin}/a/b?c=d", {"e": 1})
    assert (response.status_code, response.json(), response.headers["x-path"]) == (
        201,
        {"e": 1},
        "/a/b",
    )
    received = server.received[0]
    assert (received.method, received.path, received.query) == ("POST", "/a/b", "c=d")
    assert server.sent == [(0, 201)]
    assert server.fault is None


def test_connections_are_kept_alive() -> None:
    with (
        LoopbackServer(_echo, limit=10) as server,
        httpx2.Client(base_url=server.origin, verify=False) as client,
    ):
        for number in range(3):
            assert client.post("/", content=str(number)).text == str(number)
    assert [received.number for received in server.received] == [0, 1, 2]


def test_a_stalled_reply_is_cancelled_when_its_client_leaves() -> None:
    cancelled = threading.Event()

    async def stall(_: Received) -> Reply:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        raise AssertionError("unreachable")

    with LoopbackServer(stall, limit=10) as server:
        with pytest.raises(httpx2.ReadTimeout):
            _post(server.origin, timeout=0.1)
        assert cancelled.wait(5)
    assert server.sent == []


def test_a_cut_reply_can_stall_before_it_ends() -> None:
    async def stall(received: Received) -> Reply:
        return Reply(b"0123456789", cut_at=5, stall=0.05 if received.path == "/short" else 60)

    with LoopbackServer(stall, limit=10) as server:
        with pytest.raises(httpx2.ReadTimeout):
            _post(server.origin, timeout=0.1)
        with pytest.raises(httpx2.RemoteProtocolError, match="received 5 bytes, expected 10"):
            _post(f"{server.origin}/short")
    assert server.fault is None


def test_the_server_hangs_up_at_its_limit() -> None:
    async def stall(_: Received) -> Reply:
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    with LoopbackServer(stall, limit=0.1) as server, pytest.raises(httpx2.RemoteProtocolError):
        _post(server.origin, timeout=10)
    assert server.expired


def test_a_reset_is_one() -> None:
    async def reset(_: Received) -> Reset:
        return Reset()

    with (
        LoopbackServer(reset, limit=10) as server,
        socket.create_connection(("127.0.0.1", server.port)) as connection,
    ):
        connection.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    assert server.fault is None
    assert server.sent == []


def test_what_is_not_to_be_remembered_is_not() -> None:
    with (
        LoopbackServer(_echo, limit=None, remember=False) as server,
        httpx2.Client(base_url=server.origin, verify=False) as client,
    ):
        assert [client.post("/").status_code for _ in range(3)] == [201, 201, 201]
    assert (server.received, server.sent, server.departed) == ([], [], set())


def test_a_reply_to_head_has_no_body() -> None:
    async def reply(_: Received) -> Reply:
        return Reply(b"{}")

    with (
        LoopbackServer(reply, limit=10) as server,
        httpx2.Client(base_url=server.origin, verify=False) as client,
    ):
        assert client.head("/").headers["content-length"] == "2"
        assert client.get("/").text == "{}", "on the same connection"
    assert server.fault is None


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/a/b?c=d?e", "/a/b", "c=d?e"),
        ("//a/b", "//a/b", ""),
        ("/a?u=http://x/y", "/a", "u=http://x/y"),
        ("http://provider.test/a/b?c", "/a/b", "c"),
        ("http://[/a", "/a", ""),
    ],
)
def test_the_target_of_a_request_is_read(target: str, path: str, query: str) -> None:
    with (
        LoopbackServer(_echo, limit=10) as server,
        socket.create_connection(("127.0.0.1", server.port)) as connection,
    ):
        connection.sendall(f"GET {target} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
        assert connection.recv(12) == b"HTTP/1.1 201"
    (received,) = server.received
    assert (received.path, received.query) == (path, query)


def test_a_fault_of_the_script_is_a_fault_of_the_kit() -> None:
    with Wire(dialect_for("openai")) as wire:

        def script(_: ChatRequest) -> ChatReply:
            raise ZeroDivisionError("a bug of the check")

        wire.on_chat(script)
        with pytest.raises(httpx2.RemoteProtocolError):
            _post(wire.endpoint("m").base_url + "/chat/completions", CHAT)
        with pytest.raises(KitError, match="a bug of the check"):
            wire.assert_sound()


def test_a_server_that_has_died_is_noticed() -> None:
    with Wire(dialect_for("openai")) as wire:
        wire.assert_sound()
    with pytest.raises(KitError, match="loopback server failed"):
        wire.assert_sound()


def test_garbage_is_no_fault_of_the_server() -> None:
    with LoopbackServer(_echo, limit=10) as server:
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(b"\x16\x03\x01 this is not HTTP\r\n\r\n")
            connection.recv(100)
        assert _post(server.origin, {}).status_code == 201
    assert server.fault is None


@pytest.mark.parametrize(
    ("path", "body", "problem"),
    [
        ("/chat/completions/", CHAT, "POST /v1/chat/completions/ is not a request that"),
        ("/v1/chat/completions", CHAT, "POST /v1/v1/chat/completions is not"),
        ("/chat/completions", {"model": "m"}, "the chat request has messages = None"),
        ("/chat/completions", [1], "the chat request is a JSON list, not an object"),
        ("/embeddings", {"model": "m", "input": [1]}, "has an input that is not text"),
    ],
)
def test_a_request_that_the_wire_does_not_know_is_told(
    path: str, body: object, problem: str
) -> None:
    with Wire(dialect_for("openai")) as wire:
        wire.reply(ChatReply())
        wire.on_embeddings(lambda _: Reply(b""))
        response = _post(wire.endpoint("m").base_url + path, body)
    assert response.status_code in (400, 404)
    assert problem in wire.problems[0]


def test_an_adapter_without_a_wire_should_send_nothing() -> None:
    with Wire(None) as wire:
        assert _post(wire.endpoint("m").base_url, {}).status_code == 404
        assert "an adapter without a wire" in wire.problems[0]
        with pytest.raises(KitError):
            _ = wire.dialect


def test_a_dialect_without_embeddings_cannot_verify_them() -> None:
    with Wire(dialect_for("anthropic")) as wire, pytest.raises(NotVerified, match="no embeddings"):
        _ = wire.embedding_dialect


async def test_the_last_to_arrive_is_answered_first() -> None:
    order: list[str] = []
    with Wire(dialect_for("openai")) as wire:

        async def script(request: ChatRequest) -> ChatReply:
            await wire.turn(20)
            order.append(request.turns[0][1])
            return ChatReply()

        wire.on_chat(script)
        async with httpx2.AsyncClient(base_url=wire.endpoint("m").base_url, verify=False) as client:
            bodies = [CHAT | {"messages": [{"role": "user", "content": str(n)}]} for n in range(20)]
            await asyncio.gather(*(client.post("/chat/completions", json=body) for body in bodies))
    arrived = [str(ChatRequestOf(received)) for received in wire.received]
    assert sorted(order, key=int) == [str(n) for n in range(20)]
    assert order != arrived, "answered in the order of arrival"


def ChatRequestOf(received: Received) -> str:  # noqa: N802
    dialect = dialect_for("openai")
    assert dialect is not None
    return dialect.read_chat(received.body).turns[0][1]


def test_the_guard_names_whom_it_keeps_from_being_contacted() -> None:
    with NetworkGuard() as guard:
        with pytest.raises(NetworkBlockedError, match=r"api\.example\.com:443"):
            socket.create_connection(("api.example.com", 443), timeout=1)
        with pytest.raises(NetworkBlockedError, match=r"192\.0\.2\.1"):
            socket.create_connection(("192.0.2.1", 80), timeout=1)
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as telemetry,
            pytest.raises(NetworkBlockedError),
        ):
            telemetry.sendto(b"x", ("192.0.2.2", 8125))
    assert guard.hosts == ["api.example.com:443", "192.0.2.1:80", "192.0.2.2:8125"]


def test_the_guard_keeps_older_threads_apart() -> None:
    def phone(go: threading.Event, host: str) -> None:
        go.wait()
        with suppress(NetworkBlockedError):
            socket.create_connection((host, 443), timeout=1)

    go = threading.Event()
    older = threading.Thread(target=phone, args=(go, "older.example.com"))
    older.start()
    with NetworkGuard() as guard:
        younger = threading.Thread(target=phone, args=(go, "younger.example.com"))
        younger.start()
        go.set()
        older.join()
        younger.join()
    assert guard.hosts == ["younger.example.com:443"]
    assert guard.strays == ["older.example.com:443"]


async def test_the_guard_stops_an_http_client_of_a_running_loop() -> None:
    with NetworkGuard() as guard:
        async with httpx2.AsyncClient(verify=False) as client:
            with pytest.raises(httpx2.ConnectError):
                await client.get("http://api.example.com/v1")
    assert guard.hosts == ["api.example.com:80"]


def test_loopback_passes_the_guard() -> None:
    with LoopbackServer(_echo, limit=10) as server, NetworkGuard() as guard:
        assert _post(f"http://localhost:{server.port}", {}).status_code == 201
        assert _post(server.origin, {}).status_code == 201
    assert guard.hosts == []


def test_nothing_is_guarded_when_no_guard_is_open() -> None:
    with NetworkGuard() as guard:
        pass
    with pytest.raises(OSError) as caught:  # noqa: PT011 - any error of the resolver will do
        socket.getaddrinfo("host.invalid", 80)
    assert not isinstance(caught.value, NetworkBlockedError)
    assert guard.hosts == []


def test_an_unknown_dialect_is_refused() -> None:
    with pytest.raises(ValueError, match="'grpc' is not a dialect"):
        dialect_for("grpc")
    assert dialect_for(None) is None


def test_a_custom_dialect_is_an_object() -> None:
    class Custom:
        name = "custom"
        base_path = "/api"
        finish_reasons = ("done", "cut")
        cut_reason = "cut"
        may_omit_usage = True

        def route(self, method: str, path: str) -> None: ...
        def read_chat(self, body: bytes) -> None: ...
        def write_chat(self, reply: object) -> None: ...
        def read_reply(self, body: bytes) -> None: ...
        def write_error(self, status: int, message: str) -> None: ...

    custom: object = Custom()
    assert dialect_for(custom) is custom
    assert not isinstance(custom, EmbeddingDialect)
