"""A dialect that is not bundled: as an object, and registered by another distribution."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples.llama_cpp_dialect import LlamaCppDialect
from tck import AdapterUnderTest
from tck.cassettes.cassette import loads
from tck.catalogue import denominator, requirements
from tck.grading import Grade, Outcome, Result
from tck.report.model import report_on
from tck.run.assessment import assess
from tck.wire.dialects import dialect_for
from tck.wire.dialects.model import ChatReply, Counts, StructuredDialect, Unreadable
from tests.custom_wire import ADAPTER, LlamaCpp
from tests.helpers import strings_of, target_of

DIALECT = LlamaCppDialect()
CASSETTES = sorted((Path(__file__).parent / "custom_wire" / "cassettes").glob("*.json"))


def test_an_adapter_of_a_wire_of_its_own_earns_silver() -> None:
    target = target_of(ADAPTER)
    results = {one.id: assess(target, one) for one in denominator(target.capabilities)}
    report = report_on(target.argument, target.declaration, results)
    assert report.grade is Grade.SILVER, [one.detail for one in report.withheld_by]
    assert {one for one in results if results[one].outcome != "passed"} == {"STR-10", "STR-13"}


@given(
    st.builds(
        ChatReply,
        text=st.text(st.characters(codec="utf-8")),
        finish_reason=st.sampled_from(DIALECT.finish_reasons),
        usage=st.builds(Counts, st.integers(0, 99), st.integers(0, 99), st.integers(0, 99)),
    )
)
def test_what_it_writes_it_reads(reply: ChatReply) -> None:
    assert isinstance(DIALECT, StructuredDialect)
    assert DIALECT.read_reply(DIALECT.write_chat(reply)) == reply


@pytest.mark.parametrize("path", CASSETTES, ids=lambda path: path.stem)
def test_what_it_writes_is_part_of_what_the_server_does(path: Path) -> None:
    for interaction in loads(path.read_bytes()).interactions:
        assert DIALECT.read_chat(interaction.request.body).turns
        if interaction.response.status != 200:
            continue
        written = json.loads(DIALECT.write_chat(DIALECT.read_reply(interaction.response.body)))
        recorded = json.loads(interaction.response.body)
        assert set(strings_of(written)) <= set(strings_of(recorded))
        assert {name: recorded[name] for name in written if name != "timings"} == {
            name: written[name] for name in written if name != "timings"
        }


@pytest.mark.parametrize("body", [b"?", b"[]", b"{}", b'{"prompt": "hello"}'])
def test_what_is_not_of_the_wire_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        DIALECT.read_chat(body)
    with pytest.raises(Unreadable):
        DIALECT.read_reply(body)


DISTRIBUTION = """
class Whole:
    name = "acme"
    base_path = ""
    finish_reasons = ("end",)
    cut_reason = "cut"
    may_omit_usage = True
    route = read_chat = write_chat = read_reply = write_error = print

class Half:
    name = "acme"
    route = read_chat = write_chat = print

class Broken:
    def __init__(self):
        raise RuntimeError("no table")

an_object = Whole()
"""


@pytest.fixture
def register(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which distributions are installed, as far as their entry points go."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "acme_dialects.py").write_text(DISTRIBUTION)
    monkeypatch.delitem(sys.modules, "acme_dialects", raising=False)
    return tmp_path


def _register(folder: Path, value: str, distribution: str = "acme") -> None:
    info = folder / f"{distribution}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[tck.dialects]\nacme = acme_dialects:{value}\n")


@pytest.mark.parametrize("value", ["Whole", "an_object"])
def test_a_registered_dialect_goes_by_its_name(value: str, register: Path) -> None:
    _register(register, value)
    found = dialect_for("acme")
    assert found is not None
    assert found.finish_reasons == ("end",)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("Half", "acme_dialects:Half, which has no base_path, finish_reasons, cut_reason"),
        ("Broken", "loading that raised RuntimeError: no table"),
        ("nothing", "loading that raised AttributeError"),
    ],
)
def test_a_registered_dialect_that_is_none_is_told(
    value: str, problem: str, register: Path
) -> None:
    _register(register, value)
    with pytest.raises(ValueError, match="wire='acme' is registered as") as caught:
        dialect_for("acme")
    assert problem in str(caught.value)


def test_two_registrations_of_a_name_are_refused(register: Path) -> None:
    _register(register, "Whole")
    _register(register, "an_object", "other")
    with pytest.raises(ValueError, match="is registered twice, as acme_dialects:"):
        dialect_for("acme")


def test_an_object_is_told_what_it_lacks() -> None:
    with pytest.raises(ValueError, match="it has no name, base_path, finish_reasons"):
        dialect_for(object())
    with pytest.raises(ValueError, match="use 'openai', 'anthropic', 'recorded' where"):
        dialect_for("grpc")


# A wire of which only recordings are known

WITHOUT = {
    **{name: getattr(ADAPTER, name) for name in ADAPTER.__dataclass_fields__},
    "wire": "recorded",
}


def _outcomes(**changed: object) -> dict[str, Result]:
    target = target_of(AdapterUnderTest(**{**WITHOUT, **changed}))
    return {one.id: assess(target, one) for one in denominator(target.capabilities)}


def test_without_a_dialect_errors_are_made_of_recorded_successes() -> None:
    results = _outcomes()
    passed = {one for one in results if results[one].outcome is Outcome.PASSED}
    assert passed == {*(f"ERR-{n:02}" for n in range(1, 14)), "CHAT-01", "REC-04", "REC-05"}
    for one in results.keys() - passed:
        assert results[one].outcome is Outcome.NOT_VERIFIED
        assert "this needs a dialect" in results[one].detail


class TakesUnauthorizedForAnOutage(LlamaCpp):
    def error_class(self, status: int) -> object:
        return super().error_class(500 if status == 401 else status)


class WaitsForMilliseconds(LlamaCpp):
    def retry_after(self, response: httpx2.Response) -> object:
        seconds = super().retry_after(response)
        return seconds * 1000 if isinstance(seconds, float) else seconds


@pytest.mark.parametrize(
    ("broken", "found"),
    [(TakesUnauthorizedForAnOutage, {"ERR-01"}), (WaitsForMilliseconds, {"ERR-03", "ERR-04"})],
)
def test_what_is_wrong_with_errors_is_found_without_a_dialect(
    broken: type[LlamaCpp], found: set[str]
) -> None:
    results = _outcomes(
        chat=lambda endpoint, *, timeout=30.0, max_retries=2: broken(endpoint, timeout, max_retries)
    )
    failed = {one for one in results if results[one].outcome is Outcome.FAILED}
    assert failed - {"REC-04"} == found


def test_without_recordings_nothing_is_verified(tmp_path: Path) -> None:
    results = _outcomes(cassettes=tmp_path)
    assert {one for one in results if results[one].outcome is Outcome.PASSED} == {
        "CHAT-01",
        "ERR-11",
    }
    assert "make it with `tck record tests:llama-cpp`" in results["ERR-01"].detail


def test_a_damaged_recording_is_a_fault_of_the_kit(tmp_path: Path) -> None:
    (tmp_path / "chat-one-turn.json").write_text("{}")
    result = _outcomes(cassettes=tmp_path)["ERR-01"]
    assert result.kit_fault
    assert "chat-one-turn.json is damaged" in result.detail


class Wrapped(LlamaCppDialect):
    """A wire whose bodies are no JSON objects."""

    def write_chat(self, reply: ChatReply) -> bytes:
        return b"[" + super().write_chat(reply) + b"]"


class ReadsWrapped(LlamaCpp):
    def parsed(self, response: httpx2.Response) -> object:
        (reply,) = super().parsed(response)
        return reply


def test_a_wire_need_not_be_of_json_objects() -> None:
    adapter = AdapterUnderTest(
        **{
            **WITHOUT,
            "wire": Wrapped(),
            "chat": lambda endpoint: ReadsWrapped(endpoint, 5.0, 0),
        }
    )
    target = target_of(adapter)
    for one in ("ERR-08", "ERR-10"):
        assert not assess(target, requirements()[one]).kit_fault
