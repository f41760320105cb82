"""The report for machines: its schema, its digest, and JUnit."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tck.catalogue import EDITION, requirements
from tck.grading import Grade, Outcome, Result
from tck.report.json import digest, document, schema, to_json
from tck.report.junit import to_junit
from tck.report.model import AdapterReport, Environment, Report, report_on
from tck.verdicts import Finding
from tests.reports import FINDING, WIRED, adapter, report, result, unloaded

VALIDATOR = Draft202012Validator(schema())
SOME = ["CHAT-04", "CHAT-17", "ERR-05", "REC-01", "REC-05"]
ANY_TEXT = st.text(st.characters(), max_size=40)
"""Lone surrogates and control characters too."""

findings = st.builds(
    Finding,
    expected=ANY_TEXT,
    seen=ANY_TEXT,
    look_at=ANY_TEXT,
    cause=st.sampled_from(["behaviour", "network", "option:timeout"]),
    place=st.none() | ANY_TEXT,
    trace=ANY_TEXT,
)
adapters = st.builds(
    lambda outcomes, finding, more: adapter(
        outcomes={name: result(name, outcome, finding) for name, outcome in outcomes.items()},
        capabilities=WIRED,
        **more,
    ),
    st.dictionaries(st.sampled_from(SOME), st.sampled_from(Outcome)),
    findings,
    st.fixed_dictionaries(
        {},
        optional={
            "contacted": st.just(("example.com:443",)),
            "selected": st.sets(st.sampled_from(SOME)).map(frozenset),
        },
    ),
)
reports = st.builds(report, adapters, interrupted=st.booleans())


def _validated(report: Report) -> dict[str, Any]:
    text = to_json(report)
    text.encode("utf-8")
    found: dict[str, Any] = json.loads(text)
    VALIDATOR.validate(found)
    return found


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(schema())


@given(reports)
@settings(max_examples=60)
def test_every_report_meets_the_schema(made: Report) -> None:
    found = _validated(made)
    assert found == json.loads(json.dumps(document(made)))
    assert digest(found) == found["digest"], "a reader can compute it from the file"


def test_what_a_report_says() -> None:
    made = report(
        adapter(outcomes={"CHAT-04": Outcome.FAILED, "STR-05": Outcome.NOT_VERIFIED}),
        adapter("small", capabilities=WIRED, seconds={"CHAT-01": 0.25, "CHAT-02": 0.5}),
        unloaded("broken:adapter"),
        seconds=3.0,
    )
    found = _validated(made)
    assert found["format"] == "tck-report/2"
    assert found["kit"]["catalogue"] == EDITION
    assert found["environment"] == {
        "python": "3.11.7",
        "platform": "Linux",
        "packages": {"openai": "3.57.0"},
        "workers": 2,
    }
    assert found["partial"] is None
    assert found["timings"]["total"] == 3.0
    assert found["timings"]["adapters"]["small"]["total"] == 0.75
    acme, small, broken = found["adapters"]
    assert acme["grade"] == "none"
    assert acme["tiers"]["bronze"] == {"reached": False, "withheld_by": ["CHAT-04"], "reason": ""}
    assert acme["tiers"]["silver"]["withheld_by"] == ["CHAT-04", "STR-05"]
    assert acme["counts"] == {
        "passed": 69,
        "failed": 1,
        "exempt": 0,
        "not_applicable": 0,
        "not_verified": 1,
    }
    assert acme["requirements"][3] == {
        "id": "CHAT-04",
        "title": "a reply without text",
        "tier": "bronze",
        "level": "must",
        "capability": "chat",
        "outcome": "failed",
        "evidence": ["scripted"],
        "finding": FINDING.as_data(),
        "reason": "",
        "kit_fault": False,
    }
    assert small["grade"] == "bronze"
    assert small["tiers"]["silver"]["reason"] == "nothing that it declares has a MUST of this tier"
    assert small["not_declared"] == ["backend", "embedding", "structured"]
    assert broken["declared"] is None
    assert broken["name"] == broken["target"] == "broken:adapter"
    assert len(broken["requirements"]) == len(requirements())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda made: made.pop("digest"),
        lambda made: made.update(format="tck-report/1"),
        lambda made: made["adapters"][0].update(grade="gold"),
        lambda made: made["adapters"][0].update(grade="silver"),
        lambda made: made["adapters"][0]["counts"].pop("exempt"),
        lambda made: made["adapters"][0]["requirements"][3].update(finding=None),
        lambda made: made["adapters"][0]["requirements"][3].update(outcome="xfailed"),
        lambda made: made["adapters"][0]["requirements"][3]["finding"].pop("cause"),
        lambda made: made["adapters"][0]["requirements"][0].update(kit_fault=True),
        lambda made: made["adapters"][0]["tiers"]["silver"].update(withheld_by=[]),
        lambda made: made["adapters"][1]["tiers"]["silver"].update(reached=False),
        lambda made: made.update(partial={"selection": "CHAT", "interrupted": False}),
    ],
)
def test_the_schema_catches_mistakes(spoil: Callable[[dict[str, Any]], object]) -> None:
    made = document(report(adapter(outcomes={"CHAT-04": Outcome.FAILED}), adapter("well")))
    assert VALIDATOR.is_valid(made)
    spoil(made)
    assert not VALIDATOR.is_valid(made)


def test_fields_may_be_added() -> None:
    made = document(report(adapter()))
    made["new"] = made["adapters"][0]["new"] = made["adapters"][0]["requirements"][0]["new"] = 1
    assert VALIDATOR.is_valid(made)
    assert digest(made) == made["digest"]


def test_the_schema_is_in_the_package() -> None:
    code = "from tck.report.json import schema; print(schema()['title'])"
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ran.stdout == "tck-report/2\n"


# --- the digest ---


def _elsewhere(made: Report) -> Report:
    """The same findings, on another machine."""

    def moved(one: Result) -> Result:
        found = one.finding and replace(
            one.finding, place="other.py:7", trace="other", seen="port 4711", exchange=None
        )
        return replace(one, finding=found, strays=("example.org:1",))

    return Report(
        tuple(
            replace(
                one,
                results=tuple(map(moved, one.results)),
                seconds=dict.fromkeys(requirements(), 9.9),
                target="spelled:otherwise",
            )
            for one in reversed(made.adapters)
        ),
        Environment("3.13.0", "Plan 9", {}, 4),
        made.selection,
        seconds=99.0,
        version="9.9",
    )


def test_the_digest_is_of_what_was_found_and_not_of_where() -> None:
    made = report(
        adapter(outcomes={"CHAT-04": Outcome.FAILED}), adapter("small", capabilities=WIRED)
    )
    assert document(_elsewhere(made))["digest"] == document(made)["digest"]


@given(st.sampled_from(list(requirements())), st.sampled_from(Outcome))
def test_the_digest_changes_with_any_outcome(name: str, outcome: Outcome) -> None:
    before = document(report(adapter()))["digest"]
    after = document(report(adapter(outcomes={name: outcome})))["digest"]
    assert (before == after) == (outcome is Outcome.PASSED)


@pytest.mark.parametrize(
    "change",
    [
        lambda one: replace(one, declaration=replace(one.declaration, limits={"stop": "no"})),
        lambda one: replace(one, declaration=replace(one.declaration, model="acme/small")),
        lambda one: replace(one, contacted=("example.com:443",)),
        lambda one: replace(one, selected=frozenset({"CHAT-01"})),
        lambda one: replace(
            one, results=tuple(replace(result, evidence=()) for result in one.results)
        ),
    ],
)
def test_the_digest_changes_with_what_counts(
    change: Callable[[AdapterReport], AdapterReport],
) -> None:
    before = adapter()
    digests = {document(report(one))["digest"] for one in (before, change(before))}
    assert len(digests) == 2


def test_the_digest_changes_with_a_cause() -> None:
    made = [report(adapter(outcomes={"CHAT-04": _caused(one)})) for one in ("network", "stream")]
    assert len({document(one)["digest"] for one in made}) == 2


def test_the_digest_changes_with_the_catalogue() -> None:
    made = report(adapter())
    other = replace(made, catalogue="2099.1")
    assert document(made)["digest"] != document(other)["digest"]


def _caused(cause: str) -> Result:
    return result("CHAT-04", Outcome.FAILED, replace(FINDING, cause=cause))


# --- a part ---


def test_a_selection_says_so_and_has_no_grade() -> None:
    selected = frozenset({"CHAT-01", "CHAT-02"})
    found = _validated(report(adapter(selected=selected), selection="CHAT-01 or CHAT-02"))
    assert found["partial"] == {"selection": "CHAT-01 or CHAT-02", "interrupted": False}
    (one,) = found["adapters"]
    assert one["grade"] == "none"
    assert one["selected"] == ["CHAT-01", "CHAT-02"]
    assert one["tiers"]["bronze"]["reason"] == "a part of the catalogue has no grade"


def test_an_interrupted_run_has_no_grade_even_for_who_was_through() -> None:
    made = report(adapter(), interrupted=True)
    assert made.adapters[0].grade is Grade.NONE
    assert not made.adapters[0].reaches("bronze")
    found = _validated(made)
    assert found["partial"] == {"selection": None, "interrupted": True}
    assert found["adapters"][0]["tiers"]["bronze"]["reason"] == "the run was interrupted"


# --- JUnit ---


@given(reports)
@settings(max_examples=60)
def test_junit_is_xml_whatever_an_adapter_says(made: Report) -> None:
    root = ET.fromstring(to_junit(made).encode())
    (suite,) = root
    (one,) = made.adapters
    assert len(suite.findall("testcase")) == len(one.shown) + bool(one.contacted)
    for kind, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(root.get(kind, "")) == len(list(root.iter(tag)))


def _cases(made: Report) -> dict[str, ET.Element]:
    root = ET.fromstring(to_junit(made))
    return {(case.get("name") or "").partition(" ")[0]: case for case in root.iter("testcase")}


def test_what_junit_says() -> None:
    outcomes = {
        "CHAT-04": Outcome.FAILED,
        "CHAT-05": Outcome.NOT_VERIFIED,
        "CHAT-07": Outcome.EXEMPT,
        "CHAT-17": Outcome.FAILED,
        "STR-10": Outcome.NOT_APPLICABLE,
    }
    made = report(adapter(outcomes=outcomes, seconds={"CHAT-03": 0.5}))
    root = ET.fromstring(to_junit(made))
    assert [suite.get("name") for suite in root] == ["acme: none"]
    told = {one.get("name"): one.get("value") for one in root.iter("property")}
    assert told["grade"] == "none"
    assert told["catalogue"] == EDITION
    assert told["digest"] == document(made)["digest"]
    cases = _cases(made)
    assert cases["CHAT-03"].attrib == {
        "classname": "acme",
        "name": "CHAT-03 content, model, finish reason",
        "time": "0.500",
    }
    tags = {name: [inner.tag for inner in case] for name, case in cases.items() if len(case)}
    assert tags == {
        "CHAT-04": ["failure"],
        "CHAT-05": ["error"],
        "CHAT-07": ["system-out"],
        "CHAT-17": ["skipped"],
        "STR-10": ["skipped"],
    }
    failure = cases["CHAT-04"][0]
    assert FINDING.seen in failure.get("message", "")
    assert "at: acme/adapters.py:12" in (failure.text or "")
    assert cases["CHAT-17"][0].get("message", "").startswith("advice: ")
    assert (root.get("failures"), root.get("errors"), root.get("skipped")) == ("1", "1", "2")


def test_junit_tells_a_fault_of_the_kit_as_an_error() -> None:
    fault = result("CHAT-17", Outcome.NOT_VERIFIED, kit_fault=True)
    case = _cases(report(adapter(outcomes={"CHAT-17": fault})))["CHAT-17"]
    assert [inner.tag for inner in case] == ["error"]
    assert case[0].get("message", "").startswith("fault of the kit: ")


def test_junit_fails_where_a_contact_withholds_the_grade() -> None:
    root = ET.fromstring(to_junit(report(adapter(contacted=("example.com:443",)))))
    assert root.get("failures") == "1"


def test_the_results_of_two_processes_are_one_report() -> None:
    made = adapter(outcomes={"CHAT-04": Outcome.FAILED})
    sent = [json.loads(json.dumps(one.as_data())) for one in made.results]
    found = {one["requirement"]: Result.from_data(copy.deepcopy(one)) for one in reversed(sent)}
    again = report_on(made.target, made.declaration, found)
    assert document(report(again)) == document(report(made))
