"""`llm.tolerant_json.loads`: the vectors, the laws on real messes, growth."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from bench.texts import hostile
from llm.tolerant_json import loads
from tck.resources import resource
from tests.helpers import REPOSITORY, strings_of

VECTORS = resource("fixtures", "json", "vectors.jsonl")
RECORDED = resource("fixtures", "json", "recorded.jsonl")
EXAMPLES = REPOSITORY.parent / "shared" / "json-examples.jsonl"


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _outcome(text: str) -> Any:
    try:
        return loads(text)
    except json.JSONDecodeError:
        return "raise"


@pytest.mark.parametrize("vector", _lines(VECTORS) + _lines(EXAMPLES), ids=lambda one: one["id"])
def test_vectors(vector: dict[str, Any]) -> None:
    accepted = [vector["expect"], *vector.get("also", [])]
    if vector.get("beyond"):
        accepted.append("raise")
    outcome = _outcome(vector["text"])
    assert _canonical(outcome) in map(_canonical, accepted)


def test_vectors_are_as_their_schema_says() -> None:
    schema = json.loads(VECTORS.with_name("vectors.schema.json").read_text(encoding="utf-8"))
    ids = [vector["id"] for vector in _lines(VECTORS)]
    assert len(ids) == len(set(ids)) > 150
    for vector in _lines(VECTORS):
        assert set(schema["required"]) <= vector.keys() <= set(schema["properties"])
        assert isinstance(vector["text"], str)
        assert vector["expect"] == "raise" or isinstance(vector["expect"], dict)


@pytest.mark.parametrize("mess", _lines(RECORDED), ids=lambda one: one["id"])
def test_the_laws_hold_on_what_a_real_model_wrote(mess: dict[str, Any]) -> None:
    text = mess["text"]
    outcome = _outcome(text)
    if outcome == "raise":
        return
    assert type(outcome) is dict
    assert loads(json.dumps(outcome)) == outcome
    for string in strings_of(outcome):
        assert string in text or "\\" in text, f"{string!r} was made up"
    # Whatever the model wrote, no cut of it inside the object may pass for the object.
    start, end = _span(text, outcome)
    for cut in range(start + 1, end):
        assert _outcome(text[:cut]) != outcome


def _span(text: str, value: dict[str, Any]) -> tuple[int, int]:
    """The shortest prefix that reads as the value ends with it; it begins at some brace."""
    end = next(cut for cut in range(len(text) + 1) if _outcome(text[:cut]) == value)
    start = max(
        start for start in range(end) if text[start] == "{" and _outcome(text[start:end]) == value
    )
    return start, end


WHOLE = [
    '{"name": "Ada \\"L\\" {x}", "n": [1, 2.5e3, {"k": null}], "t": "a,} b\u201d", "o": {"p": {}}}',
    '{"md": "```json\\n{}\\n``` and {\\"z\\": 1}", "x": {"y": {}}, "z": [{}, {"w": 1}]}',
    "{\u201ca\u201d: \u201cb{}\u201d, \u201cc\u201d: [\u201cd,]\u201d, {\u201ce\u201d: 1}]}",
    "{'a': {'b': 'c}'}, 'd': [{}, {'e': None}], f: 1, // {g}\n}",
    '{"a": {"b": [1, {},],},\n"c": {},}',
]
BEFORE = ["", "Sure, {here} it is:\n```json\n", "<think>x {y</think>\n", "I'd [1] say “so”: "]


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("whole", WHOLE)
def test_every_prefix_of_an_object_raises(whole: str, before: str) -> None:
    assert isinstance(_outcome(before + whole), dict)
    for cut in range(len(before) + len(whole)):
        assert _outcome((before + whole)[:cut]) == "raise", cut
        assert _outcome((before + whole)[:cut] + "\n```") == "raise", cut


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("whole", WHOLE)
def test_an_object_without_its_opening_brace_raises(whole: str, before: str) -> None:
    assert _outcome(before + whole[1:]) == "raise"


@pytest.mark.parametrize(
    "text",
    [
        '{"a":' * 100_000 + "1" + "}" * 100_000,
        "x {'a':" * 100_000,
        "[" * 100_000,
        '{"a": ' + "1" * 10_000 + "}",
        "x {'a': " + "1" * 10_000 + "}",
        "Sure: " + '{"a": ' + "1" * 10_000 + "}",
    ],
)
def test_too_deep_or_too_long_is_a_decode_error(text: str) -> None:
    assert _outcome(text) == "raise"


@pytest.mark.parametrize("name", hostile(100))
def test_time_grows_linearly(name: str) -> None:
    def cost(text: str) -> float:
        start = time.process_time()
        _outcome(text)
        return time.process_time() - start

    # Four times the text takes four times as long, and sixteen where it is quadratic. A busy
    # machine may spoil a measurement, so that the best of several is what counts.
    small, large = hostile(8_000)[name], hostile(32_000)[name]
    best_small = best_large = float("inf")
    for _ in range(12):
        best_small, best_large = min(best_small, cost(small)), min(best_large, cost(large))
        if best_large < 8 * best_small or best_large < 0.005:
            return
    pytest.fail(f"{best_small * 1000:.2f} ms for 8,000, {best_large * 1000:.2f} ms for 32,000")
