"""Cassettes: exact, whole, without secrets, and played to whoever asks rightly."""

from __future__ import annotations

import asyncio
import json
import os
import random
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tck.cassettes import bodies, tapes
from tck.cassettes.cassette import (
    Cassette,
    DamagedError,
    Interaction,
    RecordedRequest,
    RecordedResponse,
    dumps,
    loads,
)
from tck.cassettes.differences import explain_miss
from tck.cassettes.files import write_whole
from tck.cassettes.interception import playing, recording
from tck.cassettes.matching import match_key
from tck.cassettes.secrets import Live, refuse_secrets
from tck.resources import resource
from tck.wire.guard import NetworkGuard
from tck.wire.server import LoopbackServer, Received, Reply

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    max_leaves=20,
)
json_bodies = st.builds(
    lambda value, ascii_only, indent, separators: json.dumps(
        value, ensure_ascii=ascii_only, indent=indent, separators=separators
    ).encode(),
    json_values,
    st.booleans(),
    st.sampled_from([None, 2]),
    st.sampled_from([(",", ":"), (", ", ": "), (",", ": ")]),
)


def exchange(body: bytes = b"{}", reply: bytes = b"{}", path: str = "/v1/x") -> Interaction:
    return Interaction(
        RecordedRequest("POST", path, "", {"content-type": "application/json"}, body),
        RecordedResponse(200, "OK", {"content-type": "application/json"}, reply),
    )


def asking(number: int) -> Interaction:
    return exchange(b'{"n": %d}' % number, b'{"answer":%d}' % number)


@given(st.binary() | json_bodies)
@example(b"")
@example(b'{"a":1.0e5,"b":-0.0,"c":1E400,"d":"\\u00e9\\/","e":[],"f":{},"g":[[1,2],[{}]]}')
@example(b'{"a":"\\"{[,:]}\\"","b":"\\\\"}')
@example(b'[1, 2, {"a": "b"}]')
@example('{"\u2028":"\u0085\ufeff"}'.encode())
@example(b'{"a":1}\n')
@example(b'"{\\"a\\":1}"')
@example(b"[NaN,-Infinity]")
def test_bodies_come_back_byte_for_byte(body: bytes) -> None:
    stored = json.loads(json.dumps(bodies.encode(body), ensure_ascii=False))
    assert bodies.decode(stored) == body


def test_json_is_laid_out_for_review() -> None:
    stored = bodies.encode(b'{"a":[1,2.50],"b":{"c":"\\u00e9, {x}"},"d":[],"e":[{"f":null}]}')
    assert stored["json"] == [
        "{",
        '  "a": [1, 2.50],',
        '  "b": {',
        '    "c": "\\u00e9, {x}"',
        "  },",
        '  "d": [],',
        '  "e": [',
        "    {",
        '      "f": null',
        "    }",
        "  ]",
        "}",
    ]


@pytest.mark.parametrize("value", [{}, {"json": ["{}"]}, {"base64": "?"}, {"text": "x"}])
def test_what_is_no_body_is_refused(value: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="a body is"):
        bodies.decode(value)


@given(st.lists(st.tuples(st.binary(), json_bodies), max_size=3))
def test_cassettes_come_back(contents: list[tuple[bytes, bytes]]) -> None:
    cassette = Cassette({"model": "m"}, tuple(exchange(*content) for content in contents))
    assert loads(dumps(cassette).encode()) == cassette


def test_no_byte_can_be_cut_removed_or_changed() -> None:
    data = dumps(Cassette({"model": "m"}, (asking(1), asking(2)))).encode()
    for place in range(len(data)):
        with pytest.raises(DamagedError):
            loads(data[:place])
        with pytest.raises(DamagedError):
            loads(data[:place] + data[place + 1 :])
        with pytest.raises(DamagedError):
            loads(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "{}", '{"format": "tck-cassette/1"}', "[" * 9999]
)
def test_what_is_no_cassette_is_damaged(text: str) -> None:
    with pytest.raises(DamagedError):
        loads(text.encode())


def test_an_honest_digest_over_a_lie_about_the_count() -> None:
    content = json.loads(dumps(Cassette({}, (asking(1),))))
    content["count"] = 2
    with pytest.raises(DamagedError, match="says that it holds 2 interactions, and holds 1"):
        loads(json.dumps(content).encode())


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "folder" / "cassette.json"
    write_whole(path, "old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path], "a temporary file is left"


async def _ask(client: httpx2.AsyncClient, number: int) -> int:
    response = await client.post("http://provider.test/v1/x", json={"n": number})
    answer: int = response.json()["answer"]
    return answer


async def test_every_caller_gets_its_own_answer_in_any_order() -> None:
    numbers = list(range(200))
    random.Random(7).shuffle(numbers)
    with playing(asking(number) for number in range(200)) as player:
        async with httpx2.AsyncClient(verify=False) as client:
            answers = await asyncio.gather(*(_ask(client, number) for number in numbers))
    assert answers == numbers
    assert player.unplayed == []
    assert player.misses == {}


def test_a_cassette_is_searched_by_an_index(monkeypatch: pytest.MonkeyPatch) -> None:
    keys: list[object] = []

    def counted(request: RecordedRequest) -> object:
        keys.append(request)
        return match_key(request)

    monkeypatch.setattr(tapes, "match_key", counted)
    player = tapes.Player(asking(number) for number in range(5000))
    for number in reversed(range(5000)):
        response = player.play(asking(number).request)
        assert response is not None
        assert response.body == b'{"answer":%d}' % number
    assert len(keys) == 10_000, "once to file an interaction, and once to find it"


async def test_nobody_waits_for_a_recorded_retry_after() -> None:
    def recorded(status: int, number: int, **headers: str) -> Interaction:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        response = RecordedResponse(status, "", named, b'{"answer":%d}' % number)
        return Interaction(asking(1).request, response)

    async def ask(client: httpx2.AsyncClient) -> tuple[int, str | None, str | None]:
        response = await client.post("http://provider.test/v1/x", json={"n": 1})
        headers = response.headers
        return response.status_code, headers.get("retry-after"), headers.get("retry-after-ms")

    tape = [
        recorded(429, 1, retry_after="3600"),
        recorded(503, 2),
        recorded(429, 3, retry_after="7"),
    ]
    with playing(tape):
        async with httpx2.AsyncClient(verify=False) as client:
            assert await ask(client) == (429, "0", "1"), "it was tried again"
            assert await ask(client) == (503, None, None)
            assert await ask(client) == (429, "7", None), "the last is what the call ended with"


def test_tapes_in_two_threads_know_nothing_of_each_other() -> None:
    def replay(first: int) -> tuple[list[int], tapes.Player]:
        numbers = list(range(first, first + 200))
        random.Random(first).shuffle(numbers)

        async def ask_all() -> tuple[list[int], tapes.Player]:
            own = [exchange(b'{"n": %d}' % n, b'{"answer":%d}' % (n + first)) for n in numbers]
            with playing(own) as player:
                started.wait(10)
                async with httpx2.AsyncClient(verify=False) as client:
                    answers = await asyncio.gather(*(_ask(client, n) for n in numbers))
                ended.wait(10)
            return [answer - n for answer, n in zip(answers, numbers, strict=True)], player

        return asyncio.run(ask_all())

    # The same requests in both, with other answers.
    started, ended = threading.Barrier(2), threading.Barrier(2)
    with NetworkGuard() as guard, ThreadPoolExecutor(2) as pool:
        results = list(pool.map(replay, (100, 150)))
    for first, (added, player) in zip((100, 150), results, strict=True):
        assert set(added) == {first}
        assert (player.unplayed, player.misses) == ([], {})
    assert guard.hosts == []


def _ask_blocking(number: int) -> int:
    with httpx2.Client(verify=False) as client:
        reply = client.post("http://provider.test/v1/x", json={"n": number})
        answer: int = reply.json()["answer"]
        return answer


def test_a_thread_of_the_adapters_own_is_answered_by_the_only_tape() -> None:
    # The thread is started without the context of its starter, as executors do.
    with playing([asking(1)]) as player, ThreadPoolExecutor(1) as pool:
        assert pool.submit(_ask_blocking, 1).result() == 1
        with pytest.raises(Exception, match="play back this request"):
            pool.submit(_ask_blocking, 2).result()
    assert len(player.misses) == 1


def _beside(tape: AbstractContextManager[Any], use: Callable[[], None]) -> Any:
    """Run a function while another thread has a tape running; return that tape."""
    running, done = threading.Event(), threading.Event()

    def run() -> Any:
        with tape as opened:
            running.set()
            done.wait(10)
        return opened

    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(run)
        running.wait(10)
        try:
            use()
        finally:
            done.set()
        return other.result()


def test_a_thread_of_nobody_is_answered_by_the_only_tape_that_can() -> None:
    def use() -> None:
        with playing([asking(1), asking(3)]) as mine, ThreadPoolExecutor(1) as pool:
            assert pool.submit(_ask_blocking, 1).result() == 1
            assert pool.submit(_ask_blocking, 2).result() == 2
            with NetworkGuard() as guard, pytest.raises(Exception, match="play back this request"):
                pool.submit(_ask_blocking, 3).result()
            assert _ask_blocking(3) == 3
        assert guard.hosts == []
        misses.append(mine.misses)

    misses: list[dict[Any, RecordedRequest]] = []
    theirs = _beside(playing([asking(2), asking(3)]), use)
    assert [len(found) for found in (*misses, theirs.misses)] == [1, 1], "both could have meant 3"


def test_recording_beside_a_replay_takes_up_its_own_alone() -> None:
    async def respond(_: Received) -> Reply:
        return Reply(b'{"answer": 1}')

    def use() -> None:
        with playing([asking(1)]) as player:
            assert _ask_blocking(1) == 1
            with pytest.raises(Exception, match="play back this request"):
                httpx2.post(f"{server.origin}/v1/x", json={"n": 2})
        assert len(player.misses) == 1

    with LoopbackServer(respond, limit=10) as server:
        recorder = _beside(recording(), use)
        assert recorder.interactions == []
        assert server.received == []


async def test_a_recording_is_played_once() -> None:
    with playing([asking(1)]) as player:
        async with httpx2.AsyncClient(verify=False) as client:
            await _ask(client, 1)
            with pytest.raises(Exception, match="play back this request"):
                await _ask(client, 1)
    assert len(player.misses) == 1


async def test_equal_requests_get_their_replies_in_the_order_recorded() -> None:
    twice = [exchange(b'{"n": 1}', b'{"answer":%d}' % answer) for answer in (5, 6)]
    with playing(twice):
        async with httpx2.AsyncClient(verify=False) as client:
            assert [await _ask(client, 1), await _ask(client, 1)] == [5, 6]


async def test_a_miss_is_remembered_when_it_is_swallowed() -> None:
    with playing([asking(1)]) as player:
        async with httpx2.AsyncClient(verify=False) as client:
            try:
                await _ask(client, 2)
            except Exception:
                pass
    (miss,) = player.misses.values()
    told = explain_miss(miss, [one.request for one in player.unplayed])
    assert told == "POST /v1/x, differing from the recording at $.n (recorded 1, sent 2)"


def _request(body: object, path: str = "/v1/x", query: str = "") -> RecordedRequest:
    return RecordedRequest("POST", path, query, {}, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"a": 1, "b": [2]}, {"b": [2], "a": 1}, True),
        ({"t": 0}, {"t": 0.0}, True),
        ({"t": 0}, {"t": False}, False),
        ({"t": 1e3}, {"t": 1000}, True),
        ({"a": "é"}, {"a": "e\u0301"}, False),
        ({"a": [1, 2]}, {"a": [2, 1]}, False),
        ({"a": None}, {}, False),
    ],
)
def test_requests_match_on_their_canonical_body(one: object, other: object, same: bool) -> None:
    assert (match_key(_request(one)) == match_key(_request(other))) is same


def test_requests_match_on_path_and_query() -> None:
    assert match_key(_request({}, "/a")) != match_key(_request({}, "/b"))
    assert match_key(_request({}, query="a=1")) != match_key(_request({}, query="a=2"))


def test_a_miss_is_explained_by_the_nearest_recording() -> None:
    sent = _request({"model": "m", "messages": [{"content": "hi"}], "extra": True})
    far = _request({"other": 1}, "/v1/y")
    near = _request({"model": "m", "messages": [{"content": "ho"}]})
    assert explain_miss(sent, [far, near]) == (
        "POST /v1/x, differing from the recording at $.messages[0].content (recorded 'ho', "
        "sent 'hi'); $.extra (recorded nothing, sent True)"
    )
    elsewhere = _request({"model": "m", "messages": [{"content": "hi"}], "extra": True}, "/v1/y")
    assert "$.messages[0].content" in explain_miss(sent, [elsewhere, near])
    assert "answered already" in explain_miss(sent, [])
    assert explain_miss(near, [near]) == "POST /v1/x once more than it was recorded"


def test_a_miss_for_the_type_of_a_value_is_explained() -> None:
    told = explain_miss(_request({"t": False}), [_request({"t": 0})])
    assert told == "POST /v1/x, differing from the recording at $.t (recorded 0, sent False)"


def test_a_body_too_deep_to_read_is_only_compared() -> None:
    deep = [RecordedRequest("POST", "/", "", {}, b"[" * n + b"]" * n) for n in (800, 100_000)]
    assert match_key(deep[0]) != match_key(deep[1])
    assert "its body (recorded b'[[" in explain_miss(deep[1], [deep[0]])


@pytest.mark.parametrize("compress", [False, True])
async def test_what_is_recorded_is_freed_of_encoding_and_of_headers(compress: bool) -> None:
    import gzip

    body = b'{"answer": 1}'

    async def respond(_: Received) -> Reply:
        headers = {"set-cookie": "session=abc", "x-request-id": "r1", "retry-after": "3"}
        if compress:
            return Reply(gzip.compress(body), 200, headers | {"content-encoding": "gzip"})
        return Reply(body, 200, headers)

    with LoopbackServer(respond, limit=10) as server, recording() as recorder:
        async with httpx2.AsyncClient(verify=False) as client:
            response = await client.post(
                f"{server.origin}/v1/x?b=2&a=1",
                json={"n": 1},
                headers={"authorization": "Bearer key", "x-api-key": "key", "cookie": "c=1"},
            )
    assert response.content == body, "the caller sees the response as ever"
    (interaction,) = recorder.interactions
    assert interaction.response.body == body
    assert dict(interaction.request.headers) == {"content-type": "application/json"}
    assert dict(interaction.response.headers) == {
        "content-type": "application/json",
        "retry-after": "3",
        "x-request-id": "r1",
    }
    assert interaction.request.query == "a=1&b=2"
    assert str(server.port) not in dumps(Cassette({}, (interaction,)))
    assert recorder.user_agents == [f"python-httpx2/{httpx2.__version__}"]


def _committed() -> Iterable[Path]:
    return sorted(resource("cassettes").rglob("*.json"))


@pytest.mark.parametrize("path", _committed(), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_committed_cassettes_are_whole_and_clean(path: Path) -> None:
    cassette = loads(path.read_bytes())
    kept_out = ("tck-local-provider-key", "tck-wrong-key", "127.0.0.1", ".gguf")
    refuse_secrets(cassette, [Live(value, "what must not be in it") for value in kept_out])
    passport = cassette.passport
    assert passport["scenario"] == path.stem
    assert passport["adapter"] == path.parent.name
    for name in ("recorded_at", "model", "server", "client", "http", "kit", "recorder"):
        assert passport[name], name
