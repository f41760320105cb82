"""Recording, against a fake of a provider: the real one is recorded by `tox -e record`."""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import NoReturn, TypeVar

import pytest
from pydantic import BaseModel

from tck.adapter import AdapterUnderTest
from tck.cassettes import record_scenario as record_module
from tck.cassettes.cassette import loads
from tck.cassettes.library import Library
from tck.cassettes.record_scenario import RecordAttempt, record_scenario
from tck.cassettes.scenarios import scenarios, scenarios_of
from tck.cassettes.services import Service, hosted_service
from tck.cli import main
from tck.commands.statuses import OK, USAGE
from tck.resources import resource
from tck.run import recording
from tck.wire.dialects.anthropic import AnthropicDialect
from tck.wire.dialects.model import ChatReply
from tck.wire.dialects.openai import OpenAIDialect
from tck.wire.server import LoopbackServer, Received, Reply
from tests.mutants import CONFORMING
from tests.mutants.conforming import Extractor, described
from tests.mutants.structured import OneAttemptTooFew

T = TypeVar("T", bound=BaseModel)

KEY = "live-key-of-the-recording"
DIALECT = OpenAIDialect()


async def _record(
    name: str,
    folder: Path,
    respond: Callable[[Received], Reply],
    adapter: AdapterUnderTest = CONFORMING,
) -> RecordAttempt:
    async def responder(received: Received) -> Reply:
        return respond(received)

    with LoopbackServer(responder, limit=10) as server:
        provider = Service("hosted", "a fake", server.origin, KEY, None, None)
        library = Library(adapter.name, folder)
        return await record_scenario(adapter, DIALECT, provider, scenarios()[name], library)


def _good(reply: ChatReply) -> Callable[[Received], Reply]:
    return lambda _: Reply(DIALECT.write_chat(reply))


async def test_a_scenario_becomes_a_cassette(tmp_path: Path) -> None:
    recording = await _record("chat-one-turn", tmp_path, _good(ChatReply(text="hello")))
    assert recording.path == tmp_path / "chat-one-turn.json"
    cassette = loads(recording.path.read_bytes())
    assert json.loads(cassette.interactions[0].response.body)["choices"][0]["message"][
        "content"
    ] == ("hello")
    passport = cassette.passport
    assert passport["model"] == "openai/mini"
    assert passport["client"].startswith("python-httpx2/")
    assert passport["scenario_digest"] == scenarios()["chat-one-turn"].digest
    assert KEY not in recording.path.read_text()


@pytest.mark.parametrize(
    ("name", "respond", "problem"),
    [
        ("chat-one-turn", lambda _: Reply(b"oops", 500), "the provider answered 500"),
        ("chat-one-turn", lambda _: Reply(b"oops", 200), "the provider answered 200"),
        ("chat-wrong-key", _good(ChatReply()), "answered 200, and this scenario needs 401"),
        ("chat-bad-request", lambda _: Reply(b"{}", 401), "needs 400 or 422"),
        ("chat-max-tokens", _good(ChatReply()), "ended with 'stop', and this scenario needs"),
        (
            "chat-stop",
            _good(ChatReply(finish_reason="length")),
            "ended with 'length', and this scenario needs one that is stopped",
        ),
        (
            "chat-one-turn",
            _good(ChatReply(text=KEY.encode().hex())),
            "response body of interaction",
        ),
    ],
)
async def test_a_failure_leaves_the_old_cassette(
    name: str, respond: Callable[[Received], Reply], problem: str, tmp_path: Path
) -> None:
    old = tmp_path / f"{name}.json"
    old.write_text("old")
    recording = await _record(name, tmp_path, respond)
    assert recording.path is None
    assert problem in recording.problem
    assert KEY not in recording.problem
    assert old.read_text() == "old"
    assert list(tmp_path.iterdir()) == [old]


def _answers(*texts: str) -> Callable[[Received], Reply]:
    """A model that writes these texts, one a request, the last one again and again."""
    remaining = list(texts)

    def respond(_: Received) -> Reply:
        text = remaining.pop(0) if remaining[1:] else remaining[0]
        return Reply(DIALECT.write_chat(ChatReply(text=text)))

    return respond


TEA = (
    '{"name": "Sencha", "kind": "green", "origin": {"city": "Uji", "country": "Japan"}, '
    '"tags": ["steamed"], "note": null}'
)


@pytest.mark.parametrize(
    ("name", "texts", "attempts"),
    [
        ("structured-flat", ['{"city": "Lima", "rainy_days": 12}'], 1),
        ("structured-flat", ["Lima!", 'Sure: {"city": "Lima", "rainy_days": 12} :-)'], 2),
        ("structured-nested", [TEA], 1),
        # A weak model may never get this one right.
        ("structured-corrected", ['{"count": 3}'], 2),
        ("structured-corrected", ['{"count": 3}', '{"count": 5}'], 2),
    ],
)
async def test_an_extraction_is_recorded_with_all_its_attempts(
    name: str, texts: list[str], attempts: int, tmp_path: Path
) -> None:
    recording = await _record(name, tmp_path, _answers(*texts))
    assert recording.path is not None, recording.problem
    assert len(loads(recording.path.read_bytes()).interactions) == attempts


class Misreads(Extractor):
    def instance(self, text: str, finish_reason: str, model: type[T]) -> T:
        return super().instance(text.replace("12", "13"), finish_reason, model)


@pytest.mark.parametrize(
    ("chat", "texts", "problem"),
    [
        (
            Extractor,
            ["Lima!"],
            "the model gave no valid answer in 3 attempts, the last was 'Lima!'",
        ),
        (
            Misreads,
            ['{"city": "Lima", "rainy_days": 12}'],
            "reads as Climate(city='Lima', rainy_days=12), and the adapter made of it "
            "Climate(city='Lima', rainy_days=13)",
        ),
        (OneAttemptTooFew, ["Lima!"] * 2, "the model gave no valid answer in 2 attempts"),
    ],
)
async def test_an_extraction_that_shows_nothing_is_not_kept(
    chat: type[Extractor], texts: list[str], problem: str, tmp_path: Path
) -> None:
    adapter = described("other", chat)
    recording = await _record("structured-flat", tmp_path, _answers(*texts), adapter)
    assert recording.path is None
    assert problem in recording.problem


def test_response_models_are_as_the_scenarios_spell_them() -> None:
    tea = scenarios()["structured-nested"].response_model.model_json_schema()
    assert tea["properties"]["kind"]["enum"] == ["black", "green"]
    assert tea["properties"]["origin"] == {"$ref": "#/$defs/Origin"}
    assert tea["required"] == ["name", "kind", "origin", "tags", "note"]
    count = scenarios()["structured-corrected"].response_model.model_json_schema()
    assert count["properties"]["count"]["multipleOf"] == 5


async def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, text: str) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(record_module, "write_whole", full)
    recording = await _record("chat-one-turn", tmp_path, _good(ChatReply()))
    assert recording.path is None
    path = tmp_path / "chat-one-turn.json"
    assert recording.problem == f"{path} cannot be written: No space left on device"


async def test_an_adapter_that_sends_nothing_cannot_be_recorded(tmp_path: Path) -> None:
    class Silent:
        model = "openai/mini"

        async def complete(self, *args: object, **kwargs: object) -> None:
            return None

    adapter = AdapterUnderTest(name="silent", chat=lambda endpoint, **options: Silent())
    recording = await _record("chat-one-turn", tmp_path, _good(ChatReply()), adapter)
    assert "no request was intercepted" in recording.problem


async def test_a_factory_that_fails_is_told(tmp_path: Path) -> None:
    adapter = AdapterUnderTest(name="raising", chat=lambda endpoint, **options: 1 / 0)
    recording = await _record("chat-one-turn", tmp_path, _good(ChatReply()), adapter)
    assert recording.problem == "the factory raised ZeroDivisionError: division by zero"


def test_a_limit_spares_an_adapter_its_scenario() -> None:
    def names(**limits: str) -> set[str]:
        adapter = AdapterUnderTest(name="a", chat=lambda endpoint: None, limits=limits)
        return {scenario.name for scenario in scenarios_of(adapter, ["chat"])}

    assert names() - names(stop="the provider has none") == {"chat-stop"}
    assert all(name.startswith("chat-") for name in names())


def test_hosted_providers_are_those_of_the_descriptions(monkeypatch: pytest.MonkeyPatch) -> None:
    from tck.bundled import BUNDLED

    assert hosted_service(BUNDLED["openai"], DIALECT) is None
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    for name in ("openai", "litellm"):
        hosted = hosted_service(BUNDLED[name], DIALECT)
        assert hosted is not None
        endpoint = hosted.endpoint(DIALECT, "openai/gpt-4.1-mini", wrong_key=False)
        assert (endpoint.base_url, endpoint.api_key, endpoint.model) == (
            "https://api.openai.com/v1",
            "key",
            "openai/gpt-4.1-mini",
        )
        assert hosted.endpoint(DIALECT, "x", wrong_key=True).api_key != "key"
        assert hosted.server == "api.openai.com"
    assert hosted_service(BUNDLED["anthropic"], AnthropicDialect()) is None
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key")
    hosted = hosted_service(BUNDLED["anthropic"], AnthropicDialect())
    assert hosted is not None
    assert hosted.origin == "https://api.anthropic.com"


OWN_ADAPTER = """
from tests.mutants.conforming import Chat, described

adapter = described("my-own", Chat, hosted={hosted!r}, cassettes={folder!r})
nowhere = described("my-own", Chat, cassettes={folder!r})
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An adapter outside the repository whose hosted provider is a fake on loopback."""

    async def respond(received: Received) -> Reply:
        if received.headers["authorization"] != f"Bearer {KEY}":
            return Reply(DIALECT.write_error(401, "no"), 401)
        return Reply(DIALECT.write_chat(ChatReply(text="from the hosted one")))

    name = f"own_{tmp_path.name.replace('-', '_')}"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    with LoopbackServer(respond, limit=30) as server:
        text = OWN_ADAPTER.format(hosted=f"{server.origin}/v1", folder=str(tmp_path / "kept"))
        (tmp_path / f"{name}.py").write_text(text)
        yield name


def _said(folder: Path, scenario: str) -> str:
    cassette = loads((folder / "kept" / f"{scenario}.json").read_bytes())
    return DIALECT.read_reply(cassette.interactions[0].response.body).text or ""


def test_the_hosted_provider_of_an_own_adapter(
    own: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["record", f"{own}:adapter", "-k", "chat-one", "--provider", "hosted"]
    assert main(command) == USAGE
    assert "set the environment variable MY_OWN_API_KEY" in capsys.readouterr().err
    monkeypatch.setenv("MY_OWN_API_KEY", KEY)
    assert main(command) == OK
    assert "1/1 recorded my-own chat-one-turn (hosted)" in capsys.readouterr().out
    assert _said(tmp_path, "chat-one-turn") == "from the hosted one"
    assert main(["record", f"{own}:nowhere", "--provider", "hosted"]) == USAGE
    assert "names no hosted provider" in capsys.readouterr().err


def test_a_hosted_recording_is_not_replaced_by_a_local_one_unless_forced(
    own: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def respond(_: Received) -> Reply:
        return Reply(DIALECT.write_chat(ChatReply(text="from the local one")))

    command = ["record", f"{own}:adapter", "-k", "chat-one"]
    monkeypatch.setenv("MY_OWN_API_KEY", KEY)
    assert main(command) == OK, "the key is set, and so the hosted one is asked"
    with LoopbackServer(respond, limit=30) as server:
        local = Service("local", "a fake", server.origin, "k" * 9, None, None)
        monkeypatch.setattr(recording, "local_service", lambda: nullcontext(local))
        assert main([*command, "--provider", "local"]) == OK
        assert "1/1 kept     my-own chat-one-turn" in capsys.readouterr().out
        assert _said(tmp_path, "chat-one-turn") == "from the hosted one"
        assert main([*command, "--provider", "local", "--force"]) == OK
        assert _said(tmp_path, "chat-one-turn") == "from the local one"
        monkeypatch.delenv("MY_OWN_API_KEY")
        assert main(command) == OK
    assert "1/1 recorded my-own chat-one-turn (local)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("model", "named"), [("acme/large", "acme/small-one"), ("large", "small-one")]
)
def test_a_provider_with_one_model_names_it(model: str, named: str) -> None:
    local = Service("local", "s", "http://127.0.0.1:1", KEY, "small-one", 4)
    assert local.endpoint(DIALECT, model, wrong_key=False).model == named


def test_without_its_engine_the_local_provider_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    assert main(["record", "openai", "-k", "chat-stop"]) == USAGE
    assert "python -m pip install xllamacpp" in capsys.readouterr().err


@pytest.mark.parametrize("adapter", ["openai", "anthropic", "litellm"])
def test_every_scenario_of_a_bundled_adapter_is_recorded(adapter: str) -> None:
    from tck.bundled import BUNDLED
    from tck.run.targets import capabilities

    described = BUNDLED[adapter]
    expected = {
        f"{scenario.name}.json"
        for scenario in scenarios_of(described, capabilities(described, extracts=True))
    }
    assert {path.name for path in resource("cassettes", adapter).iterdir()} == expected
