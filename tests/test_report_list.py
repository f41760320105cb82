"""`tck list` and `tck explain`."""

from __future__ import annotations

import json

import pytest
from rich.cells import cell_len

from tck.bundled import BUNDLED
from tck.catalogue import EDITION, requirements
from tck.cli import main
from tck.commands.statuses import OK, USAGE


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_the_list_fits(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    assert main(["list"]) == OK
    out = capsys.readouterr().out
    assert max(map(cell_len, out.splitlines())) <= width
    words = set(out.replace(",", " ").split())
    titles = {word for one in requirements().values() for word in one.title.split()}
    assert {*requirements(), *BUNDLED, "bronze", "SHOULD", "scripted", "fuzzed"} <= words
    assert titles <= words | set(out.split())


@pytest.mark.parametrize("width", [60, 80, 120, 200])
@pytest.mark.parametrize("name", ["CHAT-03", "CHAT-07", "STR-02", "EMB-10"])
def test_an_explanation_fits(
    name: str, width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    assert main(["explain", name]) == OK
    out = capsys.readouterr().out
    assert max(map(cell_len, out.splitlines())) <= width
    one = requirements()[name]
    assert set(f"{name} {one.title} {one.text} {one.look_at}".split()) <= set(out.split())


@pytest.mark.parametrize(
    ("asked", "near"),
    [
        ("chat4", " (did you mean CHAT-04?)"),
        ("CHAT_04", " (did you mean CHAT-04?)"),
        ("CHAT-99", " (did you mean CHAT-01 to CHAT-17?)"),
        ("str", " (did you mean STR-01 to STR-14?)"),
        ("temperature", " (did you mean CHAT-07?)"),
        ("CHXT-04", " (did you mean CHAT-04"),
        ("", ""),
        ("zzz", ""),
        ("\x1b[2J\n\ud800" * 50, ""),
    ],
)
def test_an_unknown_id_is_one_sentence(
    asked: str, near: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", asked]) == USAGE
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("tck: there is no requirement ")
    assert near in captured.err
    assert captured.err.endswith(": `tck list` shows them all\n")
    assert captured.err.count("\n") == 1
    assert captured.err.strip().isprintable()


def test_the_list_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--json"]) == OK
    found = json.loads(capsys.readouterr().out)
    assert found["format"] == "tck-list/1"
    assert found["kit"]["catalogue"] == EDITION
    assert [one["name"] for one in found["adapters"]] == list(BUNDLED)
    assert {one["id"]: one["title"] for one in found["requirements"]} == {
        one.id: one.title for one in requirements().values()
    }
    assert all(one["evidence"] for one in found["requirements"])


def test_json_and_markdown_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as error:
        main(["list", "--json", "--markdown"])
    assert error.value.code == USAGE
