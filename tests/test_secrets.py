"""No secret is ever written, whatever it is and wherever a request or response carries it."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from tck.adapter import AdapterUnderTest, Endpoint
from tck.cassettes import record_scenario as record_module
from tck.cassettes.cassette import (
    Cassette,
    Interaction,
    RecordedRequest,
    RecordedResponse,
    loads,
)
from tck.cassettes.files import write_whole
from tck.cassettes.library import Library
from tck.cassettes.record_scenario import RecordAttempt, record_scenario
from tck.cassettes.scenarios import scenarios
from tck.cassettes.secrets import (
    REPLAY_KEY,
    SCRUBBED,
    Live,
    SecretFoundError,
    find_secrets,
    live_values,
    refuse_secrets,
    scrub,
)
from tck.cassettes.services import Service
from tck.resources import resource
from tck.wire.dialects.model import ChatReply
from tck.wire.dialects.openai import OpenAIDialect
from tck.wire.server import LoopbackServer, Received, Reply

KEY = "live-key/of+the=recording"

# Put together here, so that no scanner of this file takes them for real ones.
ENVIRONMENT = {
    "ACME_API_KEY": "acme." + "key.0001",
    "SOME_SERVICE_TOKEN": "planted-token-1",
    "SOME_CLIENT_SECRET": 'planted "secret" é\\1',
    "OPENAI_ORG_ID": "the-organisation",
    "GOOGLE_CLOUD_PROJECT_ID": "the-project-77",
    "DB_PASSWORD": "correct horse battery",
}
HOME = "/home/planted-user"
SHAPES = {
    "openai": "sk-" + "proj-" + "a1B2c3D4" * 5,
    "anthropic": "sk-" + "ant-api03-" + "a1B2c3D4" * 5,
    "google": "AI" + "za" + "SyA1b2C" * 5,
    "hugging face": "h" + "f_" + "AbCdEfGh12" * 4,
    "aws": "AK" + "IA" + "Q7ZV" * 4,
    "github": "gh" + "p_" + "a1B2" * 9,
    "slack": "xo" + "xb-" + "123456789012-" * 2 + "a1b2" * 6,
    "stripe": "sk" + "_live_" + "a1B2c3" * 4,
    "jwt": ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in ({"alg": "HS256", "typ": "JWT"}, {"sub": "somebody", "iat": 1516239022})
    )
    + ".c2lnbmF0dXJl",
    "private key": "-----BEGIN " + "RSA PRIVATE KEY-----\nMIIE",
    "url": "https://somebody:" + "hunter22@host.example/x",
    "bearer": "Bearer " + "abcdefgh12345678abcd",
}
KINDS = {"the adapter's key": KEY, "home": f"{HOME}/notes.txt", **ENVIRONMENT, **SHAPES}


@dataclass(frozen=True)
class Place:
    """Somewhere in an exchange, and how a text is put there."""

    send: Callable[[str], dict[str, Any]] = lambda _: {}
    answer: Callable[[str], Reply] = lambda _: _reply("hello")


def _reply(text: str, **headers: str) -> Reply:
    body = OpenAIDialect().write_chat(ChatReply(text=text))
    return Reply(body, 200, {name.replace("_", "-"): value for name, value in headers.items()})


def _zipped(text: str) -> Reply:
    plain = _reply(text)
    return Reply(gzip.compress(plain.body), 200, {"content-encoding": "gzip"})


def _escaped(text: str) -> str:
    return "".join(f"\\u{ord(character):04x}" for character in text)


def _header_safe(text: str) -> str:
    return quote(text, safe="/:.=+ @-_")


PLACES = {
    "a request header": Place(lambda s: {"headers": {"x-anything": _header_safe(s)}}),
    "the authorization": Place(lambda s: {"headers": {"authorization": f"Key {_header_safe(s)}"}}),
    "a kept request header": Place(lambda s: {"headers": {"anthropic-beta": _header_safe(s)}}),
    "the query": Place(lambda s: {"params": {"key": s}}),
    "the path": Place(lambda s: {"path": f"/v1/{quote(s, safe='')}/x"}),
    "the request body": Place(lambda s: {"json": {"messages": [{"content": f"before {s} after"}]}}),
    "a name in the request body": Place(lambda s: {"json": {s: 1}}),
    "escapes in the request body": Place(lambda s: {"content": f'{{"a": "{_escaped(s)}"}}'}),
    "a form": Place(lambda s: {"data": {"token": s}}),
    "base64 in the request body": Place(
        lambda s: {"json": {"image": base64.b64encode(f"x {s} and more".encode()).decode()}}
    ),
    "bytes in the request body": Place(lambda s: {"content": b"\xff\xfe" + s.encode()}),
    "the response body": Place(answer=lambda s: _reply(f"you are {s}, are you not?")),
    "a compressed response body": Place(answer=_zipped),
    "a kept response header": Place(answer=lambda s: _reply("x", x_request_id=_header_safe(s))),
    "a cookie": Place(answer=lambda s: _reply("x", set_cookie=f"id={quote(s, safe='')}; Path=/")),
    "another response header": Place(answer=lambda s: _reply("x", x_anything=_header_safe(s))),
}


class Leaky:
    """Sends one request with something planted in it."""

    def __init__(self, endpoint: Endpoint, planted: dict[str, Any]) -> None:
        self.endpoint, self.planted = endpoint, planted

    async def complete(self, *_: object, **__: object) -> None:
        options = dict(self.planted)
        path = options.pop("path", "/v1/chat/completions")
        url = self.endpoint.base_url.removesuffix("/v1") + path
        async with httpx2.AsyncClient(verify=False) as client:
            await client.post(url, **options)


async def _record(folder: Path, place: Place, secret: str) -> RecordAttempt:
    async def responder(_: Received) -> Reply:
        return place.answer(secret)

    adapter = AdapterUnderTest(
        name="leaky", chat=lambda endpoint: Leaky(endpoint, place.send(secret))
    )
    with LoopbackServer(responder, limit=10) as server:
        provider = Service("hosted", "a fake", server.origin, KEY, None, None)
        library = Library("leaky", folder)
        return await record_scenario(
            adapter, OpenAIDialect(), provider, scenarios()["chat-one-turn"], library
        )


@pytest.fixture(autouse=True)
def secrets_around(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HOME", HOME)
    monkeypatch.setenv("USERPROFILE", HOME)


@pytest.mark.parametrize("place", PLACES)
async def test_nothing_secret_is_written(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []

    def watched(path: Path, text: str) -> None:
        # What is never handed over is in no temporary file either.
        written.append(text)
        write_whole(path, text)

    monkeypatch.setattr(record_module, "write_whole", watched)
    for number, (kind, secret) in enumerate(KINDS.items()):
        folder = tmp_path / str(number)
        recording = await _record(folder, PLACES[place], secret)
        told = (
            recording.problem + "".join(written) + "".join(path.name for path in folder.rglob("*"))
        )
        for file in folder.rglob("*"):
            told += file.read_text()
            for interaction in loads(file.read_bytes()).interactions:
                told += repr(interaction)
                for body in (interaction.request.body, interaction.response.body):
                    told += body.decode("latin-1")
        needle = secret.removesuffix("/notes.txt")
        forms = {
            needle,
            quote(needle, safe=""),
            json.dumps(needle)[1:-1],
            _escaped(needle),
            base64.b64encode(f"x {needle} and more".encode()).decode(),
        }
        assert not [form for form in forms if form in told], kind
        assert recording.path is not None or "nothing was written" in recording.problem, kind
        written.clear()


async def test_what_is_scrubbed_can_be_replayed(tmp_path: Path) -> None:
    place = Place(
        send=lambda s: {"params": {"key": s}, "json": {"key": s}},
        answer=lambda s: _reply(f"{s} and {ENVIRONMENT['OPENAI_ORG_ID']}, {HOME}, {HOME}2"),
    )
    recording = await _record(tmp_path, place, KEY)
    assert recording.path is not None, recording.problem
    (interaction,) = loads(recording.path.read_bytes()).interactions
    assert interaction.request.query == f"key={REPLAY_KEY}"
    assert json.loads(interaction.request.body) == {"key": REPLAY_KEY}
    said = OpenAIDialect().read_reply(interaction.response.body).text
    # A longer name is not that folder.
    assert said == f"{REPLAY_KEY} and {SCRUBBED}, {SCRUBBED}, {HOME}2"


async def test_a_failure_is_told_without_the_key_that_it_is_about(tmp_path: Path) -> None:
    async def responder(_: Received) -> Reply:
        return Reply(b"{}", 401)

    class Telling(Leaky):
        async def complete(self, *_: object, **__: object) -> None:
            await super().complete()
            raise ValueError(f"{self.endpoint.api_key} is wrong, and {HOME} too")

    adapter = AdapterUnderTest(name="leaky", chat=lambda endpoint: Telling(endpoint, {}))
    with LoopbackServer(responder, limit=10) as server:
        provider = Service("hosted", "a fake", server.origin, KEY, None, None)
        library = Library("leaky", tmp_path)
        scenario = scenarios()["chat-one-turn"]
        recording = await record_scenario(adapter, OpenAIDialect(), provider, scenario, library)
    assert recording.problem == (
        f"the provider answered 401; ValueError: {REPLAY_KEY} is wrong, and {SCRUBBED} too"
    )


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer echoed-by-the-server"},
        {"authorization": "Basic " + base64.b64encode(b"me:echoed-by-the-server").decode()},
        {"x-api-key": "echoed-by-the-server"},
        {"x-goog-api-key": "echoed-by-the-server"},
        {"cookie": "a=1; session=echoed-by-the-server"},
        {"set-cookie": "session=echoed-by-the-server; Path=/, b=2; HttpOnly"},
        {"openai-organization": "echoed-by-the-server"},
        {"x-amz-security-token": "echoed-by-the-server"},
    ],
)
def test_what_went_over_the_wire_in_a_header_is_live(headers: dict[str, str]) -> None:
    values = {one.value for one in live_values([], [headers])}
    assert "echoed-by-the-server" in values
    assert not values & {"HttpOnly", "/"}


def test_ordinary_headers_are_not() -> None:
    ordinary = {
        "www-authenticate": 'Bearer error="invalid_token"',
        "x-ratelimit-limit-tokens": "30000000",
        "content-type": "application/json",
    }
    assert live_values([], [ordinary]) == live_values([])


def _cassette(reply: bytes) -> Cassette:
    request = RecordedRequest("POST", "/v1/x", "", {}, b"{}")
    return Cassette({}, (Interaction(request, RecordedResponse(200, "OK", {}, reply)),))


@pytest.mark.parametrize("kind", SHAPES)
def test_what_looks_like_a_key_is_refused_and_not_shown(kind: str) -> None:
    text = f"before {SHAPES[kind]} after"
    with pytest.raises(SecretFoundError) as caught:
        refuse_secrets(_cassette(json.dumps({"x": text}).encode()), [])
    assert SHAPES[kind] not in str(caught.value)
    assert "the response body of interaction 0 holds what looks like" in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "a risk-averse-and-otherwise-ordinary-sentence",
        "You need to send an Authorization header (Authorization: Bearer YOUR_KEY)",
        "see https://platform.openai.com/account/api-keys",
        "a ratio of 3:4@noon, mail me@example.com",
        "task_12345678901234567890, project_of_somebody",
    ],
)
def test_ordinary_text_is_not(text: str) -> None:
    assert not list(find_secrets(_cassette(text.encode()), []))


def test_scrubbing_leaves_the_rest_as_it_was() -> None:
    cassette = _cassette(b'{"a": 1.50, "b": "\\u00e9"}')
    assert scrub(cassette, live_values([KEY])) == cassette


@pytest.mark.parametrize(
    "path", sorted(resource("cassettes").rglob("*.json")), ids=lambda p: f"{p.parent.name}/{p.stem}"
)
def test_the_recordings_that_come_along_hold_none(path: Path) -> None:
    assert not list(find_secrets(loads(path.read_bytes()), live_values(["tck-local-provider-key"])))


@pytest.mark.parametrize("before", range(4))
@pytest.mark.parametrize("after", range(4))
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_value_is_found_in_base64_wherever_it_stands(
    before: int, after: int, encode: Callable[[bytes], bytes]
) -> None:
    value = "a?>key~of~ours"
    text = encode(b"\xff" * before + value.encode() + b"\xff" * after).decode()
    assert any(form in text for form in Live(value, "a key").hidden_forms())
