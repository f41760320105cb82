"""`tck lint`: what is wrong with recordings is named, and what is right is left alone."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tck.cassettes.cassette import Cassette, Interaction, RecordedRequest, dumps, loads
from tck.cassettes.lint import RULES
from tck.cli import main
from tck.commands.statuses import NOT_REACHED, OK, USAGE
from tests.helpers import REPOSITORY

DESCRIBED = """
from tests.mutants.conforming import Chat, described

adapter = described("linted", Chat, cassettes={folder!r})
no_folder = described("unrecorded", Chat, cassettes=None)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The recordings of an adapter that completes, and describes itself in `linted.py`."""
    kept = tmp_path / "kept"
    kept.mkdir()
    for path in (REPOSITORY / "tests" / "mutants" / "cassettes").glob("chat-*.json"):
        shutil.copy(path, kept)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "linted", raising=False)
    (tmp_path / "linted.py").write_text(DESCRIBED.format(folder=str(kept)))
    return kept


def _again(path: Path, change: Callable[[Cassette], Cassette]) -> None:
    path.write_text(dumps(change(loads(path.read_bytes()))))


def _passport(path: Path, **changed: str | None) -> None:
    def change(cassette: Cassette) -> Cassette:
        merged = {**cassette.passport, **changed}
        return replace(cassette, passport={k: v for k, v in merged.items() if v is not None})

    _again(path, change)


def _cut(folder: Path) -> None:
    path = folder / "chat-stop.json"
    path.write_bytes(path.read_bytes()[:-100])


def _edited(folder: Path) -> None:
    path = folder / "chat-stop.json"
    path.write_text(path.read_text().replace("Thursday", "Friday"))


def _leaked(folder: Path) -> None:
    def leak(cassette: Cassette) -> Cassette:
        (one,) = cassette.interactions
        body = one.response.body.replace(b"assistant", b"sk-" + b"ant-api03-" + b"a1B2" * 9)
        return replace(
            cassette, interactions=(replace(one, response=replace(one.response, body=body)),)
        )

    _again(folder / "chat-stop.json", leak)


def _another_request(folder: Path, path: str, body: bytes) -> None:
    def add(cassette: Cassette) -> Cassette:
        (one,) = cassette.interactions
        request = RecordedRequest("POST", path, "", {}, body)
        return replace(cassette, interactions=(Interaction(request, one.response), one))

    _again(folder / "chat-stop.json", add)


WRONG: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "cut": (_cut, "damaged", "it cannot be read"),
    "edited": (_edited, "damaged", "its contents are not those that its digest was made of"),
    "no cassette": (lambda f: (f / "x.json").write_text("{}"), "damaged", "does not say that"),
    "leaked": (_leaked, "secret", "holds what looks like an Anthropic key"),
    "of no scenario": (
        lambda f: _passport(f / "chat-stop.json", scenario="chat-of-old"),
        "unknown",
        "there is no scenario 'chat-of-old'",
    ),
    "renamed": (
        lambda f: (f / "chat-stop.json").rename(f / "chat-halt.json"),
        "unknown",
        "it is a recording of chat-stop",
    ),
    "another version": (
        lambda f: _passport(f / "chat-stop.json", scenario_digest="sha256:0"),
        "stale",
        "chat-stop has changed since",
    ),
    "not the adapter's": (
        lambda f: shutil.copy(REPOSITORY / "tests/mutants/cassettes/embed-one.json", f),
        "unknown",
        "the adapter is not recorded with embed-one",
    ),
    "missing": (lambda f: (f / "chat-stop.json").unlink(), "missing", "no recording of chat-stop"),
    "of another wire": (
        lambda f: _another_request(f, "/v1/telemetry", b"{}"),
        "foreign-interaction",
        "interaction 0 is POST /v1/telemetry, which the openai wire does not have",
    ),
    "unused": (
        lambda f: _another_request(f, "/v1/chat/completions", b"{}"),
        "unused",
        "POST /v1/chat/completions was not",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_named(
    wrong: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil, rule, message = WRONG[wrong]
    assert main(["lint", "linted:adapter"]) == OK
    assert capsys.readouterr().out == "7 cassettes: 0 errors, 0 warnings\n"
    spoil(folder)
    report = tmp_path / "lint.json"
    assert main(["lint", "linted:adapter", f"--json={report}"]) == NOT_REACHED
    output = capsys.readouterr().out
    assert f"error {rule}: " in output
    assert message in output
    found = json.loads(report.read_text())["findings"]
    assert rule in {one["rule"] for one in found}
    assert all(one.keys() == {"file", "rule", "level", "message"} for one in found)


def test_an_old_recording_is_a_warning(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _passport(folder / "chat-stop.json", fresh_until="2026-01-01")
    _passport(folder / "chat-one-turn.json", fresh_until=None)
    assert main(["lint", str(folder)]) == OK
    output = capsys.readouterr().out
    assert "chat-stop.json: warning age: fresh until 2026-01-01" in output
    assert "chat-one-turn.json: warning age: it does not say until when it is fresh" in output
    assert "7 cassettes: 0 errors, 2 warnings" in output
    assert main(["lint", str(folder), "--strict"]) == NOT_REACHED


def test_a_file_is_linted_by_itself(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _leaked(folder)
    good, bad = str(folder / "chat-one-turn.json"), str(folder / "chat-stop.json")
    assert main(["lint", good]) == OK
    assert main(["lint", good, bad]) == NOT_REACHED
    assert "2 cassettes: 1 error, 0 warnings" in capsys.readouterr().out


def test_a_secret_is_not_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _leaked(folder)
    main(["lint", str(folder)])
    assert "a1B2" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argument", "problem"),
    [
        ("nope", "there is no file or folder 'nope', and no bundled adapter of that name"),
        ("empty", "there is no cassette in the folder empty"),
        ("linted:no_folder", "its AdapterUnderTest needs a folder in cassettes="),
        ("linted:nobody", "has no attribute 'nobody'"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_wrong_command_is_one_sentence(
    argument: str,
    problem: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    assert main(["lint", argument]) == USAGE
    assert problem in capsys.readouterr().err


def test_every_rule_is_broken_by_a_test() -> None:
    assert {rule for _, rule, _ in WRONG.values()} | {"age"} == set(RULES)
