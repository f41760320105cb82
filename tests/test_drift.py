"""`tck drift`, against a fake of a provider: the real one is asked by `tox -e drift`."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from tck.cassettes import cassette as cassette_file
from tck.cassettes.cassette import Cassette, Interaction, RecordedRequest, RecordedResponse
from tck.cassettes.library import Library
from tck.cassettes.record_scenario import record_scenario
from tck.cassettes.scenarios import scenarios
from tck.cassettes.services import Service, ServiceUnavailableError
from tck.cli import main
from tck.commands.statuses import KIT_FAILED, NOT_REACHED, OK, USAGE
from tck.drift.comparison import drift_of
from tck.drift.model import DriftOutcome, SdkModel, SdkView
from tck.drift.schemas import disagreements
from tck.drift.sdk import SDK_MODELS, sdk_model, sdk_models
from tck.drift.shapes import (
    Change,
    compare,
    merged,
    path_text,
    shape_of,
    shape_of_body,
    topmost,
    types_text,
)
from tck.drift.shapes import (
    Path as ShapePath,
)
from tck.resources import resource
from tck.run import drifting, recording
from tck.wire.dialects import dialect_for
from tck.wire.dialects.model import ChatReply
from tck.wire.dialects.openai import OpenAIDialect
from tck.wire.server import LoopbackServer, Received, Reply
from tests.mutants import CONFORMING

DIALECT = OpenAIDialect()
KEY = "live-key-of-the-recording"

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "", "[]", "a.b", '"']), inner, max_size=3)
    ),
    max_leaves=12,
)
# What the laws of comparing are about: objects that have much in common.
shapes = st.dictionaries(st.sampled_from("abc"), json_values).map(shape_of)


def written(value: object) -> dict[str, str]:
    """A shape as a reader would write it down."""
    return {path_text(path): types_text(types) for path, types in shape_of(value).items()}


def told(changes: list[Change]) -> list[tuple[str, str]]:
    return [(change.kind, path_text(change.path)) for change in changes]


def test_a_shape_is_paths_and_types() -> None:
    value = {
        "id": "x",
        "n": 1,
        "x": 1.0,
        "ok": True,
        "none": None,
        "choices": [{"text": "a", "index": 0}, {"text": None}],
        "empty": [],
        "a.b": {"": 1, "é": 2},
    }
    assert written(value) == {
        "$": "object",
        "$.id": "string",
        "$.n": "integer",
        "$.x": "number",
        "$.ok": "boolean",
        "$.none": "null",
        "$.choices": "array",
        "$.choices[]": "object",
        "$.choices[].text": "null|string",
        "$.choices[].index": "integer",
        "$.empty": "array",
        '$["a.b"]': "object",
        '$["a.b"][""]': "integer",
        '$["a.b"]["\\u00e9"]': "integer",
    }


def test_text_that_is_json_and_vectors_are_not_taken_apart() -> None:
    assert written({"content": '{"a": [1]}'}) == {"$": "object", "$.content": "string"}
    assert written({"v": [0.5] * 1000}) == {"$": "object", "$.v": "array", "$.v[]": "number"}
    packed = base64.b64encode(bytes(4000)).decode()
    assert written({"v": packed}) == {"$": "object", "$.v": "string"}


def test_a_value_nested_deeper_than_the_stack_has_a_shape() -> None:
    value: object = None
    depth = sys.getrecursionlimit() + 100
    for _ in range(depth):
        value = [value]
    assert len(shape_of(value)) == depth + 1
    assert shape_of_body(b"[" * 100_000) == {("$",): {"not JSON"}}


@pytest.mark.parametrize(
    ("body", "types"),
    [
        (b"{}", "object"),
        (b"[]", "array"),
        (b"<html>", "not JSON"),
        (b"\xff", "not JSON"),
        (b"42", "not JSON"),
        (b"", "empty"),
    ],
)
def test_only_objects_and_arrays_are_bodies_with_paths(body: bytes, types: str) -> None:
    assert shape_of_body(body) == {("$",): {types}}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"a": 1}, {"a": 2}, []),
        ({}, {"a": {"b": 1}}, [("added", "$.a"), ("added", "$.a.b")]),
        ({"a": 1}, {}, [("removed", "$.a")]),
        ({"a": 1}, {"a": "1"}, [("retyped", "$.a")]),
        ({"a": True}, {"a": 1}, [("retyped", "$.a")]),
        ({"a": [1]}, {"a": [1, "x"]}, [("retyped", "$.a[]")]),
        ({"a": {}}, {"a": []}, [("retyped", "$.a")]),
        # A number is a number.
        ({"a": 1}, {"a": 1.5}, [("varied", "$.a")]),
        ({"a": 1.5}, {"a": 1}, [("varied", "$.a")]),
        # Null beside a value, and null alone.
        ({"a": ["x"]}, {"a": ["x", None]}, [("varied", "$.a[]")]),
        ({"a": ["x", None]}, {"a": ["x"]}, [("varied", "$.a[]")]),
        ({"a": ["x", None]}, {"a": [None]}, [("varied", "$.a[]")]),
        ({"a": None}, {"a": "x"}, [("varied", "$.a")]),
        ({"a": "x"}, {"a": None}, [("retyped", "$.a")]),
        ({"a": ["x", None]}, {"a": [1, None]}, [("retyped", "$.a[]")]),
        # A type that is not seen again.
        ({"a": ["x", 1]}, {"a": ["x"]}, [("varied", "$.a[]")]),
        # What nobody can know.
        ({"a": [{"b": 1}]}, {"a": []}, [("unseen", "$.a[]"), ("unseen", "$.a[].b")]),
        ({"a": [{"b": 1}, None]}, {"a": [None]}, [("varied", "$.a[]"), ("unseen", "$.a[].b")]),
        ({"a": {"b": 1}}, {"a": None}, [("retyped", "$.a"), ("unseen", "$.a.b")]),
        ({"a": {"b": 1}}, {"a": "x"}, [("retyped", "$.a"), ("removed", "$.a.b")]),
        ({"a": [1]}, {"a": "AAAA"}, [("retyped", "$.a"), ("removed", "$.a[]")]),
        ({"a": {"b": {"c": 1}}}, {"a": {}}, [("removed", "$.a.b"), ("removed", "$.a.b.c")]),
        ({"a": [[], {"b": 1}]}, {"a": [[], {}]}, [("removed", "$.a[].b")]),
        ({"a": [[{"b": 1}]]}, {"a": [[]]}, [("unseen", "$.a[][]"), ("unseen", "$.a[][].b")]),
    ],
)
def test_what_counts_as_which_change(
    old: object, new: object, expected: list[tuple[str, str]]
) -> None:
    assert told(compare(shape_of(old), shape_of(new))) == expected


def test_only_what_was_removed_or_retyped_is_hard() -> None:
    changes = compare(
        shape_of({"gone": 1, "other": 1, "null": ["x"], "empty": [1], "same": 1}),
        shape_of({"new": 1, "other": "1", "null": [None, "x"], "empty": [], "same": 1}),
    )
    assert {change.kind: change.hard for change in changes} == {
        "added": False,
        "removed": True,
        "retyped": True,
        "varied": False,
        "unseen": False,
    }


@given(json_values)
def test_what_is_the_same_has_not_changed(value: object) -> None:
    assert compare(shape_of(value), shape_of(value)) == []


@given(json_values)
def test_every_path_is_spelled_in_a_way_of_its_own(value: object) -> None:
    shape = shape_of(value)
    assert len({path_text(path) for path in shape}) == len(shape)


@given(shapes, shapes)
def test_what_one_way_is_added_is_the_other_way_gone(
    one: Mapping[ShapePath, frozenset[str]], other: Mapping[ShapePath, frozenset[str]]
) -> None:
    def sides(changes: list[Change]) -> tuple[set[ShapePath], set[ShapePath], set[ShapePath]]:
        by_kind = [
            {change.path for change in changes if change.kind in kinds}
            for kinds in ({"added"}, {"removed", "unseen"}, {"retyped", "varied"})
        ]
        return by_kind[0], by_kind[1], by_kind[2]

    added, gone, changed = sides(compare(one, other))
    added_back, gone_back, changed_back = sides(compare(other, one))
    assert (added, gone, changed) == (gone_back, added_back, changed_back)
    assert added == other.keys() - one.keys()


@given(st.lists(shapes, max_size=4), st.randoms())
def test_the_order_of_merging_does_not_matter(
    several: list[Mapping[ShapePath, frozenset[str]]], random: Any
) -> None:
    shuffled = random.sample(several, len(several))
    assert merged(several) == merged(shuffled) == merged([merged(several), *shuffled])


@given(shapes, shapes)
def test_nothing_is_gone_from_what_is_merged(
    one: Mapping[ShapePath, frozenset[str]], other: Mapping[ShapePath, frozenset[str]]
) -> None:
    kinds = {change.kind for change in compare(one, merged([one, other]))}
    assert not kinds & {"removed", "unseen"}


def test_paths_beneath_each_other_are_counted() -> None:
    paths = [*shape_of({"a": {"b": [1]}, "ab": 1, "c": 1})]
    assert topmost(paths) == {("$",): 5}
    assert topmost([*paths[1:], *paths[1:]]) == {("$", "a"): 2, ("$", "ab"): 0, ("$", "c"): 0}


class Node(BaseModel):
    name: str
    children: list[Node] = []


class Text(BaseModel):
    type: Literal["text"]
    text: str


class Call(BaseModel):
    type: Literal["call"]
    input: dict[str, object]


class Answer(BaseModel, extra="allow"):
    id: str
    score: float
    note: str | None = None
    parts: list[Text | Call]
    counts: dict[str, int] = {}
    anything: Any = None
    tree: Node | None = None


ANSWER: dict[str, Any] = {"id": "x", "score": 1, "parts": [{"type": "text", "text": "hi"}]}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, []),
        ({"note": None, "score": 0.5}, []),
        ({"parts": []}, []),
        ({"counts": {"a.b": 1}, "anything": [{"b": None}]}, []),
        ({"parts": [{"type": "call", "input": {"deep": [{"er": 1}]}}]}, []),
        ({"tree": {"name": "a", "children": [{"name": "b", "children": [{"name": "c"}]}]}}, []),
        ({"extra": {"a": 1}}, [("unknown", "$.extra", ""), ("unknown", "$.extra.a", "")]),
        ({"parts": [{"type": "text", "x": 1}]}, [("unknown", "$.parts[].x", "")]),
        ({"counts": {"a": "1"}}, [("mistyped", "$.counts.a", "integer")]),
        ({"id": 1}, [("mistyped", "$.id", "string")]),
        ({"note": 1}, [("mistyped", "$.note", "null|string")]),
        ({"note": [1]}, [("mistyped", "$.note", "null|string"), ("unknown", "$.note[]", "")]),
        ({"note": {"a": 1}}, [("mistyped", "$.note", "null|string"), ("unknown", "$.note.a", "")]),
        ({"score": "1"}, [("mistyped", "$.score", "number")]),
        # Required is what each of the alternatives requires.
        ({"parts": [{}]}, [("lacking", "$.parts[].type", "string")]),
        ({"tree": {}}, [("lacking", "$.tree.name", "string")]),
        (
            {"tree": {"name": "a", "children": [{"kind": 1}]}},
            [
                ("unknown", "$.tree.children[].kind", ""),
                ("lacking", "$.tree.children[].name", "string"),
            ],
        ),
    ],
)
def test_what_a_model_says_of_a_shape(
    changed: dict[str, Any], expected: list[tuple[str, str, str]]
) -> None:
    found = disagreements(shape_of(ANSWER | changed), Answer.model_json_schema())
    assert [(one.kind, path_text(one.path), types_text(one.expected)) for one in found] == sorted(
        expected, key=lambda one: one[1]
    )


def test_a_model_requires_what_is_at_the_top() -> None:
    found = disagreements(shape_of({}), Answer.model_json_schema())
    assert [(one.kind, path_text(one.path)) for one in found] == [
        ("lacking", "$.id"),
        ("lacking", "$.parts"),
        ("lacking", "$.score"),
    ]
    assert [
        one.kind for one in disagreements(shape_of_body(b"<html>"), Answer.model_json_schema())
    ] == ["mistyped"]


def test_schemas_of_other_generators_are_read() -> None:
    schema = {
        "properties": {
            "a": {"const": "x"},
            "b": {"enum": [1, None]},
            "c": {"allOf": [{"$ref": "#/$defs/C"}]},
            "d": {"type": ["string", "null"]},
        },
        "$defs": {
            "C": {"anyOf": [{"$ref": "#/$defs/D"}, {"$ref": "#/$defs/C"}]},
            "D": {"type": "object", "properties": {}},
        },
    }
    assert disagreements(shape_of({"a": "y", "b": None, "c": {}, "d": "z"}), schema) == []
    found = disagreements(shape_of({"a": 1, "b": "x", "c": {"e": 1}, "d": 1}), schema)
    assert [(one.kind, path_text(one.path)) for one in found] == [
        ("mistyped", "$.a"),
        ("mistyped", "$.b"),
        ("unknown", "$.c.e"),
        ("mistyped", "$.d"),
    ]


@given(
    st.builds(
        Answer,
        note=st.none() | st.text(),
        counts=st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
        anything=json_values,
        tree=st.none() | st.builds(Node, children=st.lists(st.builds(Node), max_size=2)),
        parts=st.lists(
            st.builds(Text)
            | st.builds(Call, input=st.dictionaries(st.text(max_size=2), json_values)),
            max_size=2,
        ),
    )
)
def test_a_model_agrees_with_what_it_writes_itself(answer: Answer) -> None:
    shape = shape_of(json.loads(json.dumps(answer.model_dump())))
    assert disagreements(shape, Answer.model_json_schema()) == []


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("no_such_sdk.types:Model", "not installed"),
        ("json.no_such_module:Model", "No module named"),
        ("json:NoSuchModel", "cannot be read: AttributeError"),
        ("json:JSONDecoder", "cannot be read: AttributeError"),
    ],
)
def test_a_model_that_cannot_be_had_says_why(name: str, problem: str) -> None:
    model = sdk_model(name)
    assert model.schema is None
    assert model.problem.startswith(problem)


@pytest.mark.parametrize("sdk", ["openai", "anthropic"])
def test_the_models_of_the_sdks_know_the_committed_recordings(sdk: str) -> None:
    pytest.importorskip(sdk)
    dialect = dialect_for(sdk)
    assert dialect is not None
    views: list[SdkView] = []
    for path in sorted(resource("cassettes", sdk).iterdir()):
        cassette = cassette_file.loads(path.read_bytes())
        drift = drift_of(path.stem, cassette, cassette, dialect, sdk_models(dialect))
        assert drift.outcome is DriftOutcome.SAME
        views += drift.sdk
    assert {view.model.name for view in views} == set(SDK_MODELS[sdk].values())
    assert not [view.model for view in views if view.model.schema is None]
    found = [one for view in views for one in view.disagreements]
    assert not [one for one in found if one.newly or one.disagreement.kind == "lacking"]
    unknown = {
        path_text(one.disagreement.path) for one in found if one.disagreement.kind == "unknown"
    }
    assert ("$.timings" in unknown) is (sdk == "openai")
    assert "$.choices[].message.content" not in unknown


def taped(*responses: RecordedResponse, **passport: str) -> Cassette:
    request = RecordedRequest("POST", "/v1/chat/completions", "", {}, b"{}")
    return Cassette(passport, tuple(Interaction(request, response) for response in responses))


def response(
    body: object = None, status: int = 200, media: str = "application/json", **headers: str
) -> RecordedResponse:
    raw = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return RecordedResponse(status, "", {"content-type": media, **named}, raw)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ([response({"a": 1})], [response({"a": 2})], []),
        ([response()], [response(media="Application/JSON; charset=utf-8")], []),
        ([response(b"a", media="text/html")], [response(b"bb", media="text/html")], []),
        (
            [response(b"a", media="text/html")],
            [response(b"a", media="text/plain")],
            [("retyped", 200, "header content-type", "text/html", "text/plain")],
        ),
        (
            [response({"a": 1})],
            [response(b"oops")],
            [("retyped", 200, "$", "object", "not JSON"), ("removed", 200, "$.a", "integer", "")],
        ),
        ([response(retry_after="1")], [response(retry_after="2")], []),
        (
            [response(retry_after="1")],
            [response(request_id="2")],
            [
                ("added", 200, "header request-id", "", "string"),
                ("removed", 200, "header retry-after", "string", ""),
            ],
        ),
        # The bodies of different statuses are not compared.
        (
            [response({"a": 1}, 400)],
            [response({"b": 1}, 422)],
            [("retyped", None, "status", "400", "422")],
        ),
        (
            [response({"a": 1})],
            [response({"b": 1}, 429), response({"a": 1})],
            [("retyped", None, "status", "200", "200|429")],
        ),
        # Those of one status are one.
        ([response({"a": 1}), response({"b": 1})], [response({"b": 1, "a": 1})], []),
        (
            [response({"a": 1}), response({"b": 1}, 400)],
            [response({"a": 1}), response({"b": "1"}, 400)],
            [("retyped", 400, "$.b", "integer", "string")],
        ),
    ],
)
def test_recordings_are_compared_by_status(
    old: list[RecordedResponse],
    new: list[RecordedResponse],
    expected: list[tuple[str, int | None, str, str, str]],
) -> None:
    drift = drift_of("s", taped(*old), taped(*new), DIALECT, {})
    assert [
        (
            one.change.kind,
            one.status,
            path_text(one.change.path),
            types_text(one.change.old),
            types_text(one.change.new),
        )
        for one in drift.changes
    ] == expected
    hard = [change for change in expected if change[0] in ("removed", "retyped")]
    assert drift.outcome is (DriftOutcome.DRIFTED if hard else DriftOutcome.SAME)


def test_an_addition_is_a_change_and_no_drift() -> None:
    drift = drift_of("s", taped(response()), taped(response({"a": 1})), DIALECT, {})
    assert drift.outcome is DriftOutcome.CHANGED
    assert drift.outcome.well


def test_what_the_passports_say_otherwise_may_be_the_reason() -> None:
    old = taped(response(), server="llama 1", client="sdk 1", recorded_at="then")
    new = taped(response(), server="llama 2", client="sdk 1", recorded_at="now")
    circumstances = drift_of("s", old, new, DIALECT, {}).circumstances
    assert circumstances == {"server": ("llama 1", "llama 2")}


def test_the_model_of_the_sdk_is_held_against_the_new_recording() -> None:
    model = SdkModel("x:Answer", Answer.model_json_schema())
    old = taped(response({**ANSWER, "extra": 1, "parts": [{}]}))
    new = taped(
        response({"score": 1, "parts": [{}], "extra": "1", "more": 1}),
        response({"error": 1}, 400),
    )
    (view,) = drift_of("s", old, new, DIALECT, {"chat": model, "embeddings": model}).sdk
    assert [
        (one.disagreement.kind, path_text(one.disagreement.path), one.newly)
        for one in view.disagreements
    ] == [
        ("unknown", "$.extra", False),
        ("lacking", "$.id", True),
        ("unknown", "$.more", True),
        ("lacking", "$.parts[].type", False),
    ]


def test_without_the_sdk_the_view_says_so() -> None:
    absent = SdkModel("x:Answer", None, "not installed")
    recording = taped(response(ANSWER))
    (view,) = drift_of("s", recording, recording, DIALECT, {"chat": absent}).sdk
    assert (view.model, view.disagreements) == (absent, ())
    refused = taped(response({}, 401))
    assert drift_of("s", refused, refused, DIALECT, {"chat": absent}).sdk == ()


@dataclass
class FakeProvider:
    """A fake of a provider: it speaks the OpenAI wire as its dialect writes it."""

    alter: Callable[[dict[str, Any]], object] = field(default=lambda body: None)
    """Changes the body of a success, in place."""
    refuses: bool = False

    async def respond(self, received: Received) -> Reply:
        if received.headers["authorization"] != f"Bearer {KEY}":
            return Reply(DIALECT.write_error(401, "who are you"), 401)
        if self.refuses:
            return Reply(DIALECT.write_error(503, "[not] now"), 503)
        if DIALECT.route(received.method, received.path) == "embeddings":
            request = DIALECT.read_embeddings(received.body)
            vectors = [(index, [0.5] * 6) for index in range(len(request.texts))]
            body = json.loads(DIALECT.write_embeddings(request, vectors))
        else:
            body = json.loads(DIALECT.write_chat(ChatReply(text="hello")))
        self.alter(body)
        return Reply(json.dumps(body).encode())

    @contextmanager
    def serving(self, kind: Literal["local", "hosted"] = "local") -> Iterator[Service]:
        with LoopbackServer(self.respond, limit=30) as server:
            yield Service(kind, "a fake", server.origin, KEY, None, None)

    def record(self, folder: Path, *names: str, kind: Literal["local", "hosted"] = "local") -> None:
        async def all_of_them() -> None:
            for name in names:
                library = Library("fake", folder)
                made = await record_scenario(
                    CONFORMING, DIALECT, served, scenarios()[name], library
                )
                assert not made.problem

        with self.serving(kind) as served:
            asyncio.run(all_of_them())


ADAPTER = """
from dataclasses import replace
from tests.mutants import CONFORMING

adapter = replace(CONFORMING, name="adapter", cassettes="kept")
other = replace(CONFORMING, name="other", cassettes="kept", embedding=None)
unkept = replace(CONFORMING, name="unkept", cassettes=None)
"""
BOTH = ("chat-one-turn", "embed-one")


@pytest.fixture
def adapters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of adapters in the current folder, which keep their recordings in `kept`."""
    name = f"adapters_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(ADAPTER)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return name


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> FakeProvider:
    """The local provider, as far as `tck drift` knows."""
    fake = FakeProvider()
    monkeypatch.setattr(recording, "local_service", fake.serving)
    return fake


def _scenarios(path: Path) -> dict[str, dict[str, Any]]:
    document = json.loads(path.read_text())
    assert document["kit"].keys() == {"version"}
    (adapter,) = document["adapters"]
    return {scenario["name"]: scenario for scenario in adapter["scenarios"]}


def _files(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}


def test_nothing_has_drifted(
    adapters: str, provider: FakeProvider, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    provider.record(tmp_path / "kept", *BOTH)
    before = _files(tmp_path / "kept")
    arguments = ["drift", f"{adapters}:adapter", "-k", "one", "--json", "report.json"]
    assert main(arguments) == OK
    found = _scenarios(tmp_path / "report.json")
    assert {name: one["outcome"] for name, one in found.items()} == dict.fromkeys(BOTH, "same")
    assert not any(one["changes"] or one["problem"] for one in found.values())
    output = capsys.readouterr().out
    assert "same     adapter chat-one-turn\n" in output
    assert "no drift: nothing was removed or retyped (scenarios compared: 2)" in output
    assert _files(tmp_path / "kept") == before


def test_an_addition_is_told_and_is_no_failure(
    adapters: str, provider: FakeProvider, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    provider.record(tmp_path / "kept", *BOTH)
    provider.alter = lambda body: body.update(extra={"a": [1], "b": "x"})
    assert main(["drift", f"{adapters}:adapter", "-k", "embed-one"]) == OK
    output = capsys.readouterr().out
    assert "changed  adapter embed-one\n" in output
    assert "added    200 $.extra: object, and 3 beneath it\n" in output
    assert "$.extra.a" not in output
    assert "chat-one-turn" not in output


def test_what_was_removed_or_retyped_is_a_failure(
    adapters: str, provider: FakeProvider, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    provider.record(tmp_path / "kept", "chat-one-turn")
    before = _files(tmp_path / "kept")

    def alter(body: dict[str, Any]) -> None:
        del body["object"]
        body["created"] = "today"
        body["choices"][0]["message"]["refusal"] = "[no]"

    provider.alter = alter
    arguments = ["drift", f"{adapters}:adapter", "-k", "chat-one", "--json", "report.json"]
    assert main(arguments) == NOT_REACHED
    found = _scenarios(tmp_path / "report.json")["chat-one-turn"]
    assert found["outcome"] == "drifted"
    assert found["changes"] == [
        {
            "change": "varied",
            "status": 200,
            "path": "$.choices[].message.refusal",
            "old": ["null"],
            "new": ["string"],
        },
        {
            "change": "retyped",
            "status": 200,
            "path": "$.created",
            "old": ["integer"],
            "new": ["string"],
        },
        {"change": "removed", "status": 200, "path": "$.object", "old": ["string"], "new": []},
    ]
    output = capsys.readouterr().out
    assert "DRIFTED  adapter chat-one-turn\n" in output
    assert "varied   200 $.choices[].message.refusal: null -> string\n" in output
    assert "retyped  200 $.created: integer -> string\n" in output
    assert "removed  200 $.object: was string\n" in output
    assert "1 of 1 scenarios drifted or could not be compared" in output
    assert _files(tmp_path / "kept") == before


def test_the_models_of_the_sdk_are_a_third_opinion(
    adapters: str,
    provider: FakeProvider,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(
        SDK_MODELS,
        "openai",
        {"chat": "tests.test_drift:Completed", "embeddings": "no_such_sdk:Embedded"},
    )
    provider.record(tmp_path / "kept", *BOTH)
    provider.alter = lambda body: body.update(extra={"[a]": 1})
    arguments = ["drift", f"{adapters}:adapter", "-k", "one", "--json", "report.json"]
    assert main(arguments) == OK, "the SDK's opinion changes no exit status"
    found = _scenarios(tmp_path / "report.json")
    (view,) = found["chat-one-turn"]["sdk"]
    assert view["model"] == "tests.test_drift:Completed"
    assert view["findings"][-1] == {
        "finding": "lacking",
        "path": "$.service_tier",
        "seen": [],
        "expected": ["string"],
        "newly": False,
    }
    (view,) = found["embed-one"]["sdk"]
    assert view == {"model": "no_such_sdk:Embedded", "problem": "not installed", "findings": []}
    output = capsys.readouterr().out
    assert "adapter: the new recordings and the SDK's tests.test_drift:Completed\n" in output
    assert "it does not know $.extra: object, and 1 beneath it, which is new (1 of 1" in output
    assert "it requires $.service_tier: string, and it is not there (1 of 1 rec" in output
    assert "it has another type for $.created: string, and integer was seen (1 of 1" in output
    assert "no_such_sdk:Embedded\n  not installed\n" in output


class Completed(BaseModel):
    """What the SDK of the fake takes a chat reply for."""

    id: str
    object: str
    created: str
    model: str
    choices: Any
    usage: Any
    service_tier: str


def test_without_an_old_recording_nobody_knows(
    adapters: str, provider: FakeProvider, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    provider.record(tmp_path / "kept", "chat-one-turn")
    arguments = ["drift", f"{adapters}:adapter", "-k", "one", "--json", "report.json"]
    assert main(arguments) == NOT_REACHED
    found = _scenarios(tmp_path / "report.json")
    assert {name: one["outcome"] for name, one in found.items()} == {
        "chat-one-turn": "same",
        "embed-one": "no_old_recording",
    }
    assert "`tck record " in found["embed-one"]["problem"]
    assert "UNKNOWN  adapter embed-one: no recording of embed-one" in capsys.readouterr().out
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["chat-one-turn.json"]


def test_a_recording_of_another_version_of_the_scenario_is_not_compared(
    adapters: str, provider: FakeProvider, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    provider.record(tmp_path / "kept", "chat-one-turn")
    (tmp_path / "kept" / "chat-one-turn.json").rename(tmp_path / "kept" / "embed-one.json")
    assert main(["drift", f"{adapters}:adapter", "-k", "embed-one"]) == NOT_REACHED
    assert "another version of the scenario" in capsys.readouterr().out


def test_a_scenario_that_cannot_be_recorded_any_more(
    adapters: str, provider: FakeProvider, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    provider.record(tmp_path / "kept", "chat-one-turn", "chat-wrong-key")
    provider.refuses = True
    arguments = ["drift", f"{adapters}:other", "-k", "chat-", "--json", "report.json"]
    assert main(arguments) == NOT_REACHED
    found = _scenarios(tmp_path / "report.json")
    assert found["chat-one-turn"]["outcome"] == "not_recorded"
    assert found["chat-wrong-key"]["outcome"] == "same"
    output = capsys.readouterr().out
    assert "FAILED   other chat-one-turn: the provider answered 503" in output
    assert "[not] now" in output


def test_a_damaged_recording_is_a_fault_of_the_kit(
    adapters: str, provider: FakeProvider, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    provider.record(tmp_path / "kept", *BOTH)
    path = tmp_path / "kept" / "chat-one-turn.json"
    path.write_bytes(path.read_bytes()[:-9])
    assert main(["drift", f"{adapters}:adapter", "-k", "one"]) == KIT_FAILED
    output = capsys.readouterr().out
    assert "DAMAGED  adapter chat-one-turn: cassette" in output
    assert "same     adapter embed-one\n" in output, "the others are compared all the same"


def test_a_fault_of_the_kit_is_not_taken_for_a_drift(
    adapters: str,
    provider: FakeProvider,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    provider.record(tmp_path / "kept", "chat-one-turn")
    monkeypatch.setattr(drifting, "drift_of", lambda *arguments: 1 / 0)
    assert main(["drift", f"{adapters}:adapter", "-k", "chat-one"]) == KIT_FAILED
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_the_provider_is_of_the_kind_that_the_old_recording_is_of(
    adapters: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake = FakeProvider()
    fake.record(tmp_path / "kept", "chat-one-turn", kind="hosted")
    arguments = ["drift", f"{adapters}:adapter", "-k", "chat-one"]
    monkeypatch.setattr(recording, "local_service", lambda: pytest.fail("it is not asked"))
    assert main(arguments) == USAGE
    assert "names no hosted provider: put its base URL into hosted=" in capsys.readouterr().err
    with fake.serving("hosted") as hosted:
        monkeypatch.setattr(recording, "hosted_service", lambda *_: hosted)
        assert main(arguments) == OK
        fake.record(tmp_path / "kept", "chat-one-turn")
        monkeypatch.setattr(recording, "hosted_service", lambda *_: pytest.fail("nor this"))
        monkeypatch.setattr(recording, "local_service", fake.serving)
        assert main(arguments) == OK


def test_without_the_local_provider_nothing_can_be_compared(
    adapters: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unavailable() -> Any:
        raise ServiceUnavailableError("install the engine")

    FakeProvider().record(tmp_path / "kept", "chat-one-turn")
    monkeypatch.setattr(recording, "local_service", unavailable)
    assert main(["drift", f"{adapters}:adapter", "-k", "chat-one"]) == USAGE
    assert capsys.readouterr().err == "tck: install the engine\n"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (
            ["{}:adapter", "-k", "no such scenario"],
            "no scenario of these adapters has a name with 'no such scenario' in",
        ),
        (["{}:unkept"], "needs a folder in cassettes="),
        (["{}:adapter", "--json", "no/such/folder.json"], "there is no folder no/such"),
        (["{}:nothing"], "has no attribute 'nothing'"),
    ],
)
def test_a_wrong_command_is_one_sentence(
    arguments: list[str],
    problem: str,
    adapters: str,
    provider: FakeProvider,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["drift", *(argument.format(adapters) for argument in arguments)]) == USAGE
    assert problem in capsys.readouterr().err


def test_another_server_is_named_as_a_reason(
    adapters: str,
    provider: FakeProvider,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    provider.record(tmp_path / "kept", "chat-one-turn")
    path = tmp_path / "kept" / "chat-one-turn.json"
    old = cassette_file.loads(path.read_bytes())
    older = Cassette({**old.passport, "server": "[an older] fake"}, old.interactions)
    path.write_text(cassette_file.dumps(older), newline="\n")
    assert main(["drift", f"{adapters}:adapter", "-k", "chat-one"]) == OK
    assert "adapter: another server: [an older] fake -> a fake\n" in capsys.readouterr().out
