"""`tck serve`: recordings over real HTTP, for clients that nothing is patched in."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tck.cassettes.cassette import (
    Cassette,
    Interaction,
    RecordedRequest,
    RecordedResponse,
    dumps,
    loads,
)
from tck.cassettes.replay import Replay, StoredInteraction, read_interactions
from tck.cassettes.replay_server import ServingError, listening, serve
from tck.cli import main
from tck.commands.statuses import KIT_FAILED, OK, USAGE
from tck.run.cassette_files import find_cassettes
from tck.verdicts import KitError
from tck.wire.faults import parse_faults, strikes
from tests.helpers import REPOSITORY

CHAT = "/v1/chat/completions"


def load(arguments: list[str]) -> list[StoredInteraction]:
    return read_interactions(find_cassettes(arguments))


def exchange(
    asked: object,
    answered: object,
    *,
    path: str = CHAT,
    query: str = "",
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> Interaction:
    body = answered if isinstance(answered, bytes) else json.dumps(answered).encode()
    return Interaction(
        RecordedRequest("POST", path, query, {}, json.dumps(asked).encode()),
        RecordedResponse(status, "", {"content-type": "application/json", **(headers or {})}, body),
    )


def stored(interaction: Interaction) -> StoredInteraction:
    return StoredInteraction("some.json", interaction)


def asking(number: int) -> Interaction:
    return exchange({"n": number}, {"answer": number})


@dataclass
class Served:
    """A server of recordings, and a client of it."""

    origin: str
    client: httpx2.Client
    lines: list[str] = field(default_factory=list)

    def post(self, body: object, path: str = CHAT) -> httpx2.Response:
        return self.client.post(path, json=body)

    def answer(self, number: int) -> Any:
        return self.post({"n": number}).json()["answer"]


@contextmanager
def served(
    *interactions: Interaction | StoredInteraction, faults: tuple[str, ...] = (), once: bool = False
) -> Iterator[Served]:
    recordings = [
        one if isinstance(one, StoredInteraction) else StoredInteraction("some.json", one)
        for one in interactions
    ]
    lines: list[str] = []
    replay = Replay(recordings, faults=parse_faults(faults), once=once, say=lines.append)
    with (
        listening(replay) as server,
        httpx2.Client(base_url=server.origin, verify=False, timeout=5, trust_env=False) as client,
    ):
        yield Served(server.origin, client, lines)
    assert server.fault is None


def write(path: Path, *interactions: Interaction) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dumps(Cassette({}, interactions)), encoding="utf-8")
    return path


# --- replies ---


def test_a_reply_is_the_recorded_one() -> None:
    body = '{"a":1.50,\n "b":"\\u00e9 é"}'.encode()
    headers = {"request-id": "r1", "retry-after": "3600"}
    with served(exchange({"n": 1}, body, status=429, headers=headers)) as server:
        response = server.post({"n": 1})
    assert (response.status_code, response.content) == (429, body)
    assert response.headers["request-id"] == "r1"
    assert response.headers["retry-after"] == "3600"
    assert server.lines == ["POST /v1/chat/completions -> 429 some.json"]


def test_keys_their_order_and_the_spelling_of_numbers_do_not_matter() -> None:
    with served(exchange({"t": 0.0, "m": "x"}, {}, query="a=1&b=x y")) as server:
        response = server.client.post(
            f"{CHAT}?b=x%20y&a=1",
            content=b'{ "m": "x", "t": 0 }',
            headers={"authorization": "Bearer any key", "x-api-key": "another"},
        )
        assert response.status_code == 200
        assert server.post({"t": 0, "m": "x"}).status_code == 404, "without the query"


def test_equal_requests_get_their_replies_in_order_and_then_the_last_again() -> None:
    with served(*(exchange({"n": 1}, {"answer": answer}) for answer in (5, 6)), asking(2)) as one:
        assert [one.answer(1), one.answer(2), one.answer(1), one.answer(1), one.answer(2)] == [
            *(5, 2, 6, 6, 2)
        ]


def test_once_is_once() -> None:
    with served(asking(1), once=True) as server:
        assert server.answer(1) == 1
        response = server.post({"n": 1})
    assert response.status_code == 404
    assert "POST /v1/chat/completions once more than it was recorded" in response.text


async def test_every_caller_gets_its_own_answer_in_any_order() -> None:
    numbers = list(range(200))
    random.Random(7).shuffle(numbers)
    replay = Replay([stored(asking(number)) for number in range(200)], once=True)

    async def ask(client: httpx2.AsyncClient, number: int) -> int:
        response = await client.post(CHAT, json={"n": number})
        answer: int = response.json()["answer"]
        return answer

    with listening(replay) as server:
        limits = httpx2.Limits(max_connections=200)
        async with httpx2.AsyncClient(
            base_url=server.origin, verify=False, timeout=30, limits=limits
        ) as client:
            answers = await asyncio.gather(*(ask(client, number) for number in numbers))
        assert server.received == [], "a server that lives long remembers no requests"
    assert answers == numbers


def test_a_recorded_refusal_of_a_key_does_not_answer_what_another_cassette_does() -> None:
    refusal = exchange({"n": 1}, {}, status=401)
    alone = exchange({"n": 2}, {}, status=401)
    first = StoredInteraction("a-wrong-key.json", refusal)
    recordings = (first, StoredInteraction("b.json", asking(1)), StoredInteraction("c.json", alone))
    with served(*recordings) as server:
        assert [server.answer(1), server.answer(1)] == [1, 1]
        assert server.post({"n": 2}).status_code == 401
    # In one cassette it is what happened.
    with served(refusal, asking(1)) as server:
        assert server.post({"n": 1}).status_code == 401
        assert server.answer(1) == 1


# --- misses ---


def test_a_miss_is_explained_to_the_client_and_on_the_console() -> None:
    far = exchange({"n": 2, "m": [{"c": "\x1b[31mhi"}]}, {}, path="/v1/embeddings")
    near = exchange({"n": 1, "m": [{"c": "ho"}]}, {})
    with served(StoredInteraction("far.json", far), StoredInteraction("near.json", near)) as server:
        response = server.post({"n": 2, "m": [{"c": "\x1b[31mhi"}]})
    assert response.status_code == 404
    assert response.headers["x-should-retry"] == "false"
    error = response.json()["error"]
    differences = ["$.n (recorded 1, sent 2)", "$.m[0].c (recorded 'ho', sent '\\x1b[31mhi')"]
    assert error["nearest"] == {
        "cassette": "near.json",
        "method": "POST",
        "path": CHAT,
        "differences": differences,
    }
    assert error["message"] == (
        "no recording answers POST /v1/chat/completions, differing from the recording at "
        f"{differences[0]}; {differences[1]}; the nearest is near.json"
    )
    assert server.lines == [f"POST /v1/chat/completions -> 404 {error['message']}"]


def test_what_a_client_sends_does_not_steer_the_terminal() -> None:
    with served(asking(1)) as server:
        body = json.dumps({"\x1b[31m\n\ud800é": 1}).encode()
        response = server.client.post(CHAT, content=body)
    shown = "$.\\x1b[31m\\n\\ud800é (recorded nothing, sent 1)"
    assert shown in response.json()["error"]["nearest"]["differences"]
    assert shown in server.lines[0]


@pytest.mark.parametrize("body", [b"", b"not JSON", b"\xff", b"[" * 100_000, b"[1]", b"NaN"])
def test_any_body_is_answered(body: bytes) -> None:
    with served(asking(1)) as server:
        assert server.client.post(CHAT, content=body).status_code == 404
        assert server.client.head("/").status_code == 404
        assert server.answer(1) == 1


# --- faults ---


@pytest.mark.parametrize(
    ("fault", "status", "headers"),
    [
        ("503*2", 503, {}),
        ("429:retry-after=2*2", 429, {"retry-after": "2"}),
        (
            "529:retry-after-ms=10,x-should-retry=true*2",
            529,
            {"retry-after-ms": "10", "x-should-retry": "true"},
        ),
        (
            "429:retry-after=Wed, 21 Oct 2026 07:28:00 GMT,x-should-retry=false*2",
            429,
            {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT", "x-should-retry": "false"},
        ),
    ],
)
def test_a_status_strikes_the_first_requests(
    fault: str, status: int, headers: dict[str, str]
) -> None:
    with served(exchange({"n": 1}, {"answer": 5}), asking(1), faults=(fault,)) as server:
        for _ in range(2):
            response = server.post({"n": 1})
            assert response.status_code == status
            message = f"tck serve answers {status} because of --fault"
            assert response.json()["error"]["message"] == message
            sent = response.headers.items()
            assert {name: value for name, value in sent if "retry" in name} == headers
        assert server.answer(1) == 5, "a struck request uses no recording up"
    assert server.lines[0] == f"POST /v1/chat/completions -> {status} (fault {fault})"


def test_an_error_is_in_the_shape_of_its_wire() -> None:
    recorded = exchange({"n": 1}, {}, path="/v1/messages")
    with served(recorded, faults=("529*1",)) as server:
        error = server.post({"n": 1}, "/v1/messages").json()
        assert error["type"] == "error"
        assert error["error"]["type"] == "overloaded_error"
        assert server.post({"n": 2}, "/v1/messages").json()["type"] == "error"


def test_a_stall_lasts_until_the_client_has_enough() -> None:
    with served(asking(1), faults=("stall*1",)) as server:
        with pytest.raises(httpx2.ReadTimeout):
            server.client.post(CHAT, json={"n": 1}, timeout=0.2)
        assert server.answer(1) == 1
    assert server.lines[0] == "POST /v1/chat/completions -> stall (fault stall*1)"


def test_a_stall_does_not_outlive_the_server() -> None:
    stalled = threading.Event()
    replay = Replay(
        [stored(asking(1))],
        faults=parse_faults(["stall"]),
        say=lambda _: stalled.set(),
    )
    with socket.socket() as connection:
        connection.settimeout(5)
        with listening(replay) as server:
            connection.connect(("127.0.0.1", server.port))
            connection.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            assert stalled.wait(5)
        assert connection.recv(1) == b""


def test_a_reset() -> None:
    with served(asking(1), faults=("reset*1",)) as server:
        with pytest.raises(httpx2.ReadError, match="reset"):
            server.post({"n": 1})
        assert server.answer(1) == 1


def test_a_cut_is_half_of_the_reply() -> None:
    replies = (exchange({"n": 1}, {"answer": answer}) for answer in (5, 6))
    with served(*replies, faults=("cut*1",)) as server:
        with server.client.stream("POST", CHAT, json={"n": 1}) as response:
            assert response.headers["content-length"] == str(len('{"answer": 5}'))
            chunks = response.iter_raw()
            assert next(chunks) == b'{"answ'
            with pytest.raises(httpx2.RemoteProtocolError):
                next(chunks)
        assert server.answer(1) == 5, "a struck request uses no recording up"
    assert server.lines[0] == "POST /v1/chat/completions -> 200 some.json (fault cut*1)"


def test_faults_follow_one_another() -> None:
    with served(asking(1), faults=("503*2", "500*1", "429")) as server:
        statuses = [server.post({"n": 1}).status_code for _ in range(6)]
    assert statuses == [503, 503, 500, 429, 429, 429]


def test_a_large_number_of_strikes_costs_nothing() -> None:
    assert next(strikes(parse_faults(["stall*999999999"]))).kind == "stall"


# --- clients as they are ---


def test_the_sdk_of_openai_reads_a_recording_after_its_retries() -> None:
    openai = pytest.importorskip("openai")
    request = json.loads((REPOSITORY / "examples/serve/request.json").read_text())
    lines: list[str] = []
    faults = parse_faults(["503:retry-after-ms=1*1", "reset*1"])
    replay = Replay(load(["openai"]), faults=faults, say=lines.append)
    with (
        listening(replay) as server,
        openai.OpenAI(api_key="any", base_url=f"{server.origin}/v1") as client,
    ):
        completion = client.chat.completions.create(**request)
        with pytest.raises(openai.NotFoundError, match=r"\$\.max_tokens \(recorded 32, sent 33\)"):
            client.chat.completions.create(**{**request, "max_tokens": 33})
    recorded = loads((REPOSITORY / "cassettes/openai/chat-one-turn.json").read_bytes())
    reply = json.loads(recorded.interactions[0].response.body)
    assert completion.choices[0].message.content == reply["choices"][0]["message"]["content"]
    assert [line.split(" -> ")[1].split()[0] for line in lines] == ["503", "reset", "200", "404"], (
        "and a miss is not retried"
    )


def test_the_sdk_of_anthropic_reads_a_recording() -> None:
    anthropic = pytest.importorskip("anthropic")
    (recording,) = load([str(REPOSITORY / "cassettes/anthropic/chat-one-turn.json")])
    request = json.loads(recording.interaction.request.body)
    with (
        listening(Replay([recording])) as server,
        anthropic.Anthropic(api_key="any", base_url=server.origin) as client,
    ):
        message = client.messages.create(**request)
        with pytest.raises(anthropic.NotFoundError, match="no recording answers"):
            client.messages.create(**{**request, "max_tokens": 33})
    reply = json.loads(recording.interaction.response.body)
    assert message.to_dict()["content"] == reply["content"]


def test_all_that_is_bundled_is_served() -> None:
    recordings = load(["openai", "anthropic", "litellm"])
    paths = (REPOSITORY / "cassettes").rglob("*.json")
    assert {one.cassette for one in recordings} == {f"{p.parent.name}/{p.name}" for p in paths}
    with served(*recordings) as server:
        left_out = {recording.cassette for recording, _ in Replay(recordings).left_out}
        for recording in recordings:
            request, reply = recording.interaction.request, recording.interaction.response
            if recording.cassette not in left_out:
                response = server.client.post(request.path, content=request.body)
                assert (response.status_code, response.content) == (reply.status, reply.body)


def test_the_command_of_the_example() -> None:
    readme = (REPOSITORY / "examples/serve/README.md").read_text()
    found = re.search(r"curl http://127\.0\.0\.1:8014(\S+) \\\n.* -d @(\S+)", readme)
    assert found is not None
    with served(*load(["openai"])) as server:
        body = (REPOSITORY / found[2]).read_bytes()
        assert server.client.post(found[1], content=body).status_code == 200


# --- the command line ---


@contextmanager
def patience() -> Iterator[None]:
    """What serves although it should not have is stopped, and so fails rather than hangs."""
    timer = threading.Timer(20, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def status(*arguments: str) -> int:
    with patience():
        return main(["serve", *arguments])


@contextmanager
def command(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """A process of `tck serve`, and what it has said until it serves."""
    # Whatever is not flushed is not seen.
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    environment.pop("PYTHONUNBUFFERED", None)
    with subprocess.Popen(
        [sys.executable, "-m", "tck", "serve", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        timer = threading.Timer(20, process.kill)
        timer.start()
        try:
            assert process.stdout is not None
            said = []
            for line in process.stdout:
                said.append(line.rstrip("\n"))
                if "Ctrl-C" in line:
                    break
            yield process, said
        finally:
            timer.cancel()
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_a_signal(number: signal.Signals, tmp_path: Path) -> None:
    write(tmp_path / "deep" / "a.json", asking(1))
    write(tmp_path / "b.json", exchange({"n": 2}, {"answer": 2}, path="/v1/messages"))
    with command(str(tmp_path), "--fault", "stall*1") as (process, said):
        base = re.compile(r"base URL for (\w+) clients: (http://127\.0\.0\.1:\d+)(/v1)?$")
        (openai, anthropic) = [found for line in said if (found := base.match(line))]
        assert (openai[1], openai[3]) == ("openai", "/v1")
        assert (anthropic[1], anthropic[3]) == ("anthropic", None)
        assert "fault: stall*1" in said
        assert "serving 2 recorded requests of 2 cassettes" in said
        with httpx2.Client(base_url=openai[2], verify=False, trust_env=False) as client:
            with pytest.raises(httpx2.ReadTimeout):
                client.post(CHAT, json={"n": 1}, timeout=0.2)
            assert client.post(CHAT, json={"n": 1}).json() == {"answer": 1}
            # With a client that is still connected.
            process.send_signal(number)
            output, errors = process.communicate(timeout=30)
    assert process.returncode == OK
    assert errors == ""
    assert output.splitlines() == [
        "POST /v1/chat/completions -> stall (fault stall*1)",
        f"POST /v1/chat/completions -> 200 {tmp_path.name}/deep/a.json",
    ]


def test_whoever_stops_reading_stops_nothing(tmp_path: Path) -> None:
    with command(str(write(tmp_path / "a.json", asking(1)))) as (process, said):
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        found = re.search(r"http://127\.0\.0\.1:\d+", "\n".join(said))
        assert found is not None
        with httpx2.Client(base_url=found[0], verify=False, trust_env=False) as client:
            for _ in range(3):
                assert client.post(CHAT, json={"n": 1}).json() == {"answer": 1}
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == OK
        assert process.stderr.read() == ""


def test_a_port_can_be_chosen_and_may_be_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cassette = str(write(tmp_path / "a.json", asking(1)))
    with listening(Replay(load([cassette]))) as server:
        port = server.port
        assert status(cassette, f"--port={port}") == USAGE
    assert capsys.readouterr().err == (
        f"tck: port {port} is in use: name another, or leave --port away for a free one\n"
    )
    with listening(Replay(load([cassette])), port) as server:
        assert server.origin == f"http://127.0.0.1:{port}"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nope"], "there is no file or folder 'nope', and no bundled adapter of that name"),
        (["{}/empty"], "there is no cassette in the folder"),
        (["{}/blank.json"], "nothing is recorded in"),
        (["openai", "--port=65536"], "there is no port 65536"),
        (["openai", "--port=-1"], "there is no port -1"),
        *[
            (["openai", f"--fault={fault}"], f"{fault!r} is not a fault: it is a status from 400")
            for fault in (
                *("", "200", "600", "5030", "slow", "503*0", "503*x", "*2", "503*2*2"),
                *("stall:retry-after=2", "503:", "503 *2", " 503", "503\n"),
            )
        ],
        (["sentence-transformers"], "sentence-transformers has no recordings"),
        (["openai", "--fault=429:cookie=1"], "'cookie=1' in the fault '429:cookie=1' is not a"),
        (["openai", "--fault=429:retry-after"], "'retry-after' in the fault"),
        (["openai", "--fault=429:retry-after="], "'retry-after=' in the fault"),
        (["openai", "--fault=429:retry-after=1\r\nx:y"], "x:y' is not a fault"),
        (["openai", "--fault=503", "--fault=stall"], "the fault 'stall' would never strike"),
    ],
)
def test_a_wrong_command_is_one_sentence_and_exit_status_2(
    arguments: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("no cassette")
    write(tmp_path / "blank.json")
    assert status(*(argument.format(tmp_path) for argument in arguments)) == USAGE
    captured = capsys.readouterr()
    assert captured.err.startswith("tck: ")
    assert captured.err.count("\n") == 1
    assert sentence in captured.err
    assert captured.out == ""


@pytest.mark.parametrize("data", [b"{}", b"", b"\xff", None])
def test_a_damaged_cassette_is_named_with_exit_status_3(
    data: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "a.json", asking(1))
    whole = write(tmp_path / "deep" / "b.json", asking(2)).read_bytes()
    (tmp_path / "deep" / "b.json").write_bytes(whole[:-1] if data is None else data)
    assert status(str(tmp_path)) == KIT_FAILED
    captured = capsys.readouterr()
    assert captured.err.startswith(f"tck: cassette {tmp_path / 'deep' / 'b.json'} is damaged: ")
    assert captured.err.count("\n") == 1


def test_cassettes_are_read_in_order_and_each_once(tmp_path: Path) -> None:
    last = write(tmp_path / "z.json", exchange({"n": 1}, {"answer": "z"}))
    write(tmp_path / "folder" / "b.json", exchange({"n": 1}, {"answer": "b"}))
    write(tmp_path / "folder" / "a" / "c.json", exchange({"n": 1}, {"answer": "c"}))
    again = str(tmp_path / "folder" / "b.json")
    recordings = load([str(tmp_path / "folder"), str(last), again])
    assert [one.cassette for one in recordings] == ["folder/a/c.json", "folder/b.json", str(last)]
    with served(*recordings) as server:
        assert [server.answer(1) for _ in range(4)] == ["c", "b", "z", "z"]


def test_the_name_of_a_bundled_adapter_is_its_recordings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "openai" / "mine.json", asking(1))
    monkeypatch.chdir(tmp_path)
    assert "openai/chat-one-turn.json" in {one.cassette for one in load(["openai"])}
    assert [one.cassette for one in load(["./openai"])] == ["openai/mine.json"]


def test_an_adapter_of_your_own_is_its_recordings() -> None:
    names = {one.cassette for one in load(["tests.mutants:CONFORMING"])}
    assert "cassettes/chat-one-turn.json" in names


@pytest.mark.parametrize("argument", ["nope", "empty", "tests.mutants:nope", "nope/a.json"])
def test_lint_and_serve_say_alike_what_is_not_there(
    argument: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    said = set()
    for command in ("lint", "serve"):
        assert main([command, argument]) == USAGE
        said.add(capsys.readouterr().err)
    assert len(said) == 1


def test_a_failure_of_the_server_is_one_of_the_kit(monkeypatch: pytest.MonkeyPatch) -> None:
    replay = Replay([stored(asking(1))])

    async def broken(_: object) -> None:
        raise ZeroDivisionError("a bug of the kit")

    monkeypatch.setattr(replay, "respond", broken)

    def ask(line: str) -> None:
        if found := re.search(r"http://\S+", line):
            with pytest.raises(httpx2.RemoteProtocolError):
                httpx2.post(found[0], verify=False, trust_env=False)

    with patience(), pytest.raises(KitError, match="a bug of the kit"):
        serve(replay, 0, ask)


def test_other_clients_are_told_where_it_is() -> None:
    replay = Replay([stored(exchange({}, {}, path="/api/chat"))])
    said: list[str] = []

    def stop_at_the_end(line: str) -> None:
        said.append(line)
        if "Ctrl-C" in line:
            signal.raise_signal(signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    with patience():
        serve(replay, 0, stop_at_the_end)
    assert signal.getsignal(signal.SIGTERM) is before
    assert re.fullmatch(r"base URL for any client: http://127\.0\.0\.1:\d+", said[1])


def test_a_port_that_does_not_exist() -> None:
    with pytest.raises(ServingError, match="there is no port 65536"), listening(Replay([]), 65536):
        pass
