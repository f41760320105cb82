"""The command line, the pytest plugin, and the grade that they agree on."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tck import AdapterUnderTest
from tck.cassettes.cassette import Cassette, dumps, loads
from tck.catalogue import EDITION, Capability, denominator, requirements
from tck.cli import main
from tck.commands import run as run_command
from tck.commands.statuses import KIT_FAILED, NOT_REACHED, OK, USAGE
from tck.grading import Grade, Outcome
from tck.report.model import Report, report_on
from tck.run.assessment import assess
from tck.wire.dialects.model import ChatReply
from tck.wire.wire import Wire
from tests.helpers import REPOSITORY, target_of, valid_report
from tests.mutants import taxonomy
from tests.mutants.conforming import Chat

ADAPTER = """
from pathlib import Path
from tck import AdapterUnderTest
from tests.mutants.conforming import Chat, described
from tests.mutants.chat import NoTextIsNone

# Small, as most of the tests are not about what it is.
CONFORMING = described("conforming", Chat)
conforming = CONFORMING
broken = described("broken", NoTextIsNone)

class NoCause(Chat):
    def cause(self, response):
        return None

advised = described("advised", NoCause)
not_an_adapter = 42
unrecorded = AdapterUnderTest(name="unrecorded", chat=CONFORMING.chat, errors=CONFORMING.errors)
backend = AdapterUnderTest(name="backend", backend=lambda endpoint: None)

def chatty(endpoint, **options):
    import socket
    try:
        socket.create_connection(("telemetry.example.com", 443), timeout=1)
    except OSError:
        pass
    return CONFORMING.chat(endpoint, **options)

def _with(**changed):
    described = {name: getattr(CONFORMING, name) for name in CONFORMING.__dataclass_fields__}
    return AdapterUnderTest(**{**described, "embedding": None, **changed})

phones_home = _with(name="phones-home", chat=chatty)
here = _with(name="here", cassettes="cassettes")
plain_factory = _with(name="plain", chat=lambda endpoint: CONFORMING.chat(endpoint))
no_sdk = _with(name="no-sdk", chat=lambda endpoint, **options: __import__("no_such_sdk"))
bad_errors = _with(name="bad-errors", errors="no.such.module")
bad_wire = _with(name="bad-wire", wire="carrier-pigeon")
wrong_classes = _with(name="wrong-classes", errors="json")
raises = _with(name="raises", chat=lambda endpoint, **options: 1 / 0)
"""


@pytest.fixture(autouse=True)
def _one_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not about several workers needs one, which is quicker here."""
    monkeypatch.setattr(run_command, "usual_workers", lambda: 1)


@pytest.fixture
def adapters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of adapters outside the repository, in the current folder."""
    name = f"adapters_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(ADAPTER)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return name


def _json(path: Path) -> dict[str, Any]:
    return valid_report(path.read_text())


def _outcomes(report: dict[str, Any], adapter: str) -> dict[str, str]:
    (found,) = [one for one in report["adapters"] if one["name"] == adapter]
    return {one["id"]: one["outcome"] for one in found["requirements"]}


def test_the_bundled_adapters_earn_silver(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "report.json"
    assert main(["run", "-n", "2", f"--json={path}"]) == OK
    report = _json(path)
    assert report["kit"].keys() == {"version", "catalogue"}
    assert report["kit"]["catalogue"] == EDITION
    assert {one["name"]: one["grade"] for one in report["adapters"]} == {
        "openai": "silver",
        "anthropic": "silver",
    }
    for adapter in ("openai", "anthropic"):
        outcomes = _outcomes(report, adapter)
        others = {name: outcome for name, outcome in outcomes.items() if outcome != "passed"}
        exempt = {"CHAT-07": "exempt"} if adapter == "anthropic" else {}
        assert others == {"STR-10": "not_applicable", **exempt}
    output = capsys.readouterr().out
    assert "openai: silver" in output
    assert "anthropic: silver" in output


def test_an_adapter_outside_the_repository_is_graded(
    adapters: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", f"{adapters}:conforming"]) == OK
    assert "conforming: bronze" in capsys.readouterr().out


def test_a_broken_adapter_is_failed_with_a_message(
    adapters: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "report.json"
    assert main(["run", f"{adapters}:broken", f"--json={path}"]) == NOT_REACHED
    outcomes = _outcomes(_json(path), "broken")
    assert [name for name, outcome in outcomes.items() if outcome == "failed"] == ["CHAT-04"]
    output = capsys.readouterr().out
    assert "broken CHAT-04 FAILED" in output
    assert "expected: content of a reply without text = ''" in output
    assert "seen: content of a reply without text = None" in output
    assert "look at: " in output
    assert "broken: none (bronze withheld by CHAT-04)" in output


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("nope", "there is no bundled adapter 'nope'"),
        ("nope:adapter", "there is no module 'nope' here"),
        ("json.nope:adapter", "there is no module 'json.nope' here"),
        ("json:", "'json:' is not of the form module:attribute"),
        ("json:nope", "module json has no attribute 'nope'"),
        ("json:dumps", "json:dumps is of type function, not a tck.AdapterUnderTest"),
        ("{}:not_an_adapter", "is of type int, not a tck.AdapterUnderTest"),
        ("{}:no_sdk", "cannot be built: No module named 'no_such_sdk'"),
        ("{}:bad_errors", "there is no module 'no' here"),
        ("{}:bad_wire", "wire='carrier-pigeon' is not a dialect"),
    ],
)
def test_a_wrong_target_is_one_sentence_and_exit_status_2(
    target: str, sentence: str, adapters: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", target.format(adapters)]) == USAGE
    captured = capsys.readouterr()
    assert sentence in captured.err
    assert captured.err.startswith("tck: ")
    assert captured.err.count("\n") == 1
    assert captured.out == ""


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run", "openai", "openai"], "two of the adapters are called 'openai'"),
        (["run", "{}:conforming", "{}:CONFORMING"], "two of the adapters are called 'conforming'"),
        (["run", "openai", "-k", "nothing at all"], "'at' where it should end"),
        (["run", "openai", "-k", "nonsense"], "matches no requirement"),
        (["run", "{}:conforming", "-k", "EMB"], "matches nothing that these adapters declare"),
        (["run", "openai", "-n", "-1"], "-n -1 is no number of processes"),
    ],
)
def test_more_wrong_usage(
    arguments: list[str], sentence: str, adapters: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([argument.format(adapters) for argument in arguments]) == USAGE
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run", "openai", "-k", "not ("], "'not (' is no expression"),
        (["run", "openai", "--json", "no/such/folder/r.json"], "there is no folder no/such/folder"),
        (["explain", "CHAT-99"], "there is no requirement 'CHAT-99'"),
        (["record", "openai", "-k", "no-such-scenario"], "no scenario of these adapters"),
    ],
)
def test_other_wrong_usage(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == USAGE
    assert sentence in capsys.readouterr().err


def test_another_distribution_with_our_names_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from importlib import metadata

    found = {"llm": ["llm-provider-tck", "llm"], "tck": ["llm-provider-tck"]}
    monkeypatch.setattr(metadata, "packages_distributions", lambda: found)
    assert main(["run", "openai"]) == USAGE
    assert "llm installs a package 'llm' too" in capsys.readouterr().err


def test_no_recordings_no_grade(adapters: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", f"{adapters}:unrecorded"]) == NOT_REACHED
    output = capsys.readouterr().out
    assert "unrecorded: none (bronze withheld by REC-01, REC-04)" in output
    assert f"name a folder in cassettes= and run `tck record {adapters}:unrecorded`" in " ".join(
        output.split()
    )


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    folder = tmp_path / "cassettes"
    shutil.copytree(REPOSITORY / "cassettes" / "openai", folder)
    return folder


def test_a_relative_folder_of_cassettes_is_of_the_current_folder(
    adapters: str, recordings: Path
) -> None:
    assert main(["run", f"{adapters}:here", "-k", "REC"]) == OK


def test_a_missing_cassette_withholds_the_grade(
    adapters: str, recordings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (recordings / "chat-stop.json").unlink()
    assert main(["run", f"{adapters}:here"]) == NOT_REACHED
    output = capsys.readouterr().out
    assert "here: none (bronze withheld by REC-01)" in output
    assert "no recording of chat-stop in cassettes" in output
    assert f"make it with `tck record {adapters}:here`" in " ".join(output.split())


@pytest.mark.parametrize(
    ("passport", "seen"),
    [
        ({"fresh_until": "2026-01-01"}, "seen: it expired on 2026-01-01"),
        ({}, "seen: it has no date until which it is"),
    ],
)
def test_an_old_recording_is_advised_against(
    passport: dict[str, str],
    seen: str,
    adapters: str,
    recordings: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = recordings / "chat-stop.json"
    cassette = loads(path.read_bytes())
    kept = {name: value for name, value in cassette.passport.items() if name != "fresh_until"}
    path.write_text(dumps(Cassette(kept | passport, cassette.interactions)))
    assert main(["run", f"{adapters}:here", "-k", "REC-05"]) == OK
    assert seen in capsys.readouterr().out


@pytest.mark.parametrize("place", [0, 100, -1])
def test_a_damaged_cassette_is_a_fault_of_the_kit(
    place: int, adapters: str, recordings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = recordings / "chat-wrong-key.json"
    data = bytearray(path.read_bytes())
    del data[place]
    path.write_bytes(data)
    assert main(["run", f"{adapters}:here", "-k", "REC-04"]) == KIT_FAILED
    assert "chat-wrong-key.json is damaged" in capsys.readouterr().out


def test_a_recording_of_another_version_of_its_scenario(
    adapters: str, recordings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = recordings / "chat-stop.json"
    old = loads(path.read_bytes())
    passport = {**old.passport, "scenario_digest": "sha256:of another"}
    path.write_text(dumps(Cassette(passport, old.interactions)))
    assert main(["run", f"{adapters}:here", "-k", "REC-01"]) == NOT_REACHED
    assert "another version of the scenario" in " ".join(capsys.readouterr().out.split())


def test_a_contact_beyond_loopback_is_named(
    adapters: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", f"{adapters}:phones_home"]) == NOT_REACHED
    output = capsys.readouterr().out
    assert "telemetry.example.com:443 was tried, and blocked" in output
    assert "phones-home: none" in output


def test_a_contact_while_a_module_is_imported_withholds_its_grade(
    adapters: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    module = f"{adapters}_phoning"
    phones = "import socket\ntry: socket.create_connection(('import.example.com', 443))\n"
    (tmp_path / f"{module}.py").write_text(f"{phones}except OSError: pass\n{ADAPTER}")
    path = tmp_path / "report.json"
    targets = [f"{module}:conforming", f"{adapters}:here"]
    shutil.copytree(REPOSITORY / "cassettes" / "openai", tmp_path / "cassettes")
    assert main(["run", *targets, f"--json={path}"]) == NOT_REACHED
    output = capsys.readouterr().out
    assert "conforming: none (bronze withheld: import.example.com:443 was contacted)" in output
    assert "here: bronze" in output
    assert _json(path)["adapters"][0]["contacted"] == ["import.example.com:443"]


def test_a_factory_without_options_leaves_what_needs_them_unverified(
    adapters: str, tmp_path: Path
) -> None:
    path = tmp_path / "report.json"
    assert main(["run", f"{adapters}:plain_factory", f"--json={path}"]) == NOT_REACHED
    outcomes = _outcomes(_json(path), "plain")
    for needs_an_option in ("CHAT-11", "CHAT-13", "ERR-13"):
        assert outcomes.pop(needs_an_option) == "not_verified"
    assert set(outcomes.values()) == {"passed"}


@pytest.mark.parametrize(
    ("attribute", "message"),
    [
        ("wrong_classes", "there is no ProviderAuthError"),
        ("raises", "it raised ZeroDivisionError: division by zero"),
    ],
)
def test_a_wrong_description_fails_the_checks_that_need_it(
    attribute: str, message: str, adapters: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", f"{adapters}:{attribute}", "-k", "CHAT-04 or ERR-01"]) == NOT_REACHED
    assert message in capsys.readouterr().out


def test_a_backend_that_is_none_is_failed(
    adapters: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", f"{adapters}:backend"]) == NOT_REACHED
    output = capsys.readouterr().out
    assert "expected: get_model_kwargs is a property" in output
    assert "backend: none" in output


def test_a_tier_that_is_not_reached_is_told_by_the_exit_status(adapters: str) -> None:
    assert main(["run", f"{adapters}:conforming", "--tier=silver"]) == NOT_REACHED


def test_a_selection_gives_no_grade(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "report.json"
    assert main(["run", "anthropic", "-k", "CHAT-01 or ERR-01", f"--json={path}"]) == OK
    report = _json(path)
    assert report["adapters"][0]["grade"] == "none"
    outcomes = _outcomes(report, "anthropic")
    assert outcomes.pop("CHAT-01") == outcomes.pop("ERR-01") == "passed"
    assert set(outcomes.values()) == {"not_verified"}
    assert "CHAT-02" not in capsys.readouterr().out
    assert report["partial"]["selection"] == "CHAT-01 or ERR-01"


def _server_faults(wire: Wire) -> None:
    def fault(_: object) -> None:
        raise RuntimeError("the disk of the server is on fire")

    wire._server._responder = fault  # type: ignore[assignment]


def _server_stops(wire: Wire) -> None:
    wire._server._loop.call_soon_threadsafe(wire._server._stop.set)
    wire._server._thread.join()


@pytest.mark.parametrize("die", [_server_faults, _server_stops])
def test_a_server_that_dies_is_a_fault_of_the_kit_and_gives_no_grade(
    die: Callable[[Wire], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = Wire.reply

    def reply_and_die(wire: Wire, answer: ChatReply) -> None:
        reply(wire, answer)
        die(wire)

    monkeypatch.setattr(Wire, "reply", reply_and_die)
    impatient = AdapterUnderTest(
        name="impatient", chat=lambda endpoint: Chat(endpoint, 0.3, 0), errors=taxonomy.__name__
    )
    result = assess(target_of(impatient), requirements()["CHAT-05"])
    assert result.outcome is Outcome.NOT_VERIFIED
    assert result.kit_fault
    report = Report(
        (report_on("tests:impatient", target_of(impatient).declaration, {"CHAT-05": result}),)
    )
    assert report.adapters[0].grade is Grade.NONE
    assert report.kit_faults == (result,)


def test_junit(tmp_path: Path, adapters: str) -> None:
    path = tmp_path / "junit.xml"
    assert main(["run", f"{adapters}:conforming", "-k", "CHAT-01", f"--junitxml={path}"]) == OK
    text = path.read_text()
    assert 'name="CHAT-01 signature of complete"' in text
    assert 'failures="0"' in text


def test_options_of_pytest_in_the_environment_change_nothing(
    monkeypatch: pytest.MonkeyPatch, adapters: str
) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option")
    assert main(["run", f"{adapters}:conforming", "-k", "CHAT-04"]) == OK


def test_list_and_explain(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == OK
    output = capsys.readouterr().out
    assert "bundled adapter: openai\n" in output
    assert "bundled adapter: litellm" in output
    assert all(name in output for name in requirements())
    assert main(["explain", "chat-10"]) == OK
    assert "64 concurrent calls" in capsys.readouterr().out


def test_the_command_is_installed() -> None:
    command = [str(Path(sys.executable).with_name("tck")), "--version"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.startswith("llm-provider-tck ")


# --- inside somebody's own pytest session ---


@pytest.fixture
def session(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.syspath_prepend(REPOSITORY)
    pytester.makepyfile(own_adapters=ADAPTER)
    pytester.makepyfile(test_own="def test_own(): pass")
    return pytester


def test_without_being_asked_the_plugin_changes_nothing(session: pytest.Pytester) -> None:
    session.runpytest_subprocess().assert_outcomes(passed=1)


def test_a_session_grades(session: pytest.Pytester) -> None:
    result = session.runpytest_subprocess("--tck=own_adapters:conforming")
    result.stdout.fnmatch_lines(["*conformance*", "conforming: bronze"])
    assert result.ret == pytest.ExitCode.OK
    declared: set[Capability] = {"chat", "errors", "recordings"}
    assert result.parseoutcomes()["passed"] == len(denominator(declared)) + 1


def test_a_session_fails_with_the_requirement_and_the_message(session: pytest.Pytester) -> None:
    result = session.runpytest_subprocess("--tck=own_adapters:broken")
    result.stdout.fnmatch_lines(["failed: a reply without text*", "expected: content of a reply*"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED


@pytest.mark.parametrize(
    "hook",
    [
        "item.add_marker(pytest.mark.skip(reason='not today'))",
        "item.add_marker(pytest.mark.xfail(reason='known'))",
        "item.add_marker(pytest.mark.xfail(reason='known', run=False))",
    ],
)
def test_skipping_or_xfailing_earns_nothing(hook: str, session: pytest.Pytester) -> None:
    session.makeconftest(
        f"""
        import pytest
        def pytest_collection_modifyitems(items):
            for item in items:
                if "::CHAT" in item.nodeid or "CHAT" in item.name:
                    {hook}
        """
    )
    result = session.runpytest_subprocess("--tck=own_adapters:conforming")
    result.stdout.fnmatch_lines(["conforming: none (bronze withheld by CHAT-01, CHAT-02*"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_deselecting_earns_nothing(session: pytest.Pytester) -> None:
    session.makeconftest(
        """
        def pytest_collection_modifyitems(items):
            items[:] = [item for item in items if "CHAT" not in item.name]
        """
    )
    result = session.runpytest_subprocess("--tck=own_adapters:conforming")
    result.stdout.fnmatch_lines(["conforming: none (bronze withheld by CHAT-01*"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_selection_in_a_session_shows_itself_alone(
    workers: str, session: pytest.Pytester
) -> None:
    arguments = ("--tck=own_adapters:conforming", "-n", workers)
    result = session.runpytest_subprocess(*arguments, "-k", "ERR-0")
    result.stdout.fnmatch_lines(["conforming: no grade*"])
    result.stdout.no_fnmatch_line("*CHAT-01*")
    assert result.ret == pytest.ExitCode.OK


@pytest.mark.parametrize("workers", ["0", "2"])
def test_what_the_summary_prints_can_be_run_again(workers: str, session: pytest.Pytester) -> None:
    result = session.runpytest_subprocess("--tck=own_adapters:broken", "-k", "CHAT-04 or ERR-01")
    result.stdout.fnmatch_lines(["FAILED own_adapters:broken::CHAT-04 - *"])
    again = session.runpytest_subprocess("own_adapters:broken::CHAT-04", "-n", workers)
    assert again.parseoutcomes() == {"failed": 1}
    assert again.ret == pytest.ExitCode.TESTS_FAILED


def test_a_finding_is_printed_once(session: pytest.Pytester) -> None:
    result = session.runpytest_subprocess("--tck=own_adapters:broken", "-k", "CHAT-04")
    assert result.stdout.str().count("expected: content of a reply without text") == 1


def test_advice_fails_no_test(session: pytest.Pytester) -> None:
    result = session.runpytest_subprocess("--tck=own_adapters:advised", "-k", "ERR-12")
    assert result.parseoutcomes() == {"skipped": 1, "deselected": 71}
    assert result.stdout.str().count("expected: the error after HTTP 400") == 1
    assert result.ret == pytest.ExitCode.OK


def test_collecting_only_lists(session: pytest.Pytester) -> None:
    result = session.runpytest_subprocess("--tck=own_adapters:broken", "--collect-only", "-q")
    result.stdout.fnmatch_lines(["own_adapters:broken::CHAT-04"])
    assert result.ret == pytest.ExitCode.OK


def test_an_adapter_that_cannot_be_loaded_in_a_session(session: pytest.Pytester) -> None:
    session.makepyfile(unloadable="1 / 0")
    result = session.runpytest_subprocess("--tck=unloadable:adapter")
    assert result.parseoutcomes()["failed"] + result.parseoutcomes()["skipped"] == 71
    result.stdout.fnmatch_lines(["*importing unloadable raised ZeroDivisionError*"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_stopping_early_earns_nothing(session: pytest.Pytester) -> None:
    result = session.runpytest_subprocess("--tck=own_adapters:broken", "-x")
    result.stdout.fnmatch_lines(["broken: none (bronze withheld by CHAT-04, CHAT-05*"])


def test_a_wrong_target_in_a_session(session: pytest.Pytester) -> None:
    result = session.runpytest_subprocess("--tck=nope:adapter")
    result.stderr.fnmatch_lines(["ERROR: nope:adapter: there is no module 'nope' here*"])
    assert result.ret == pytest.ExitCode.USAGE_ERROR


def test_workers_of_xdist_give_the_same_report(session: pytest.Pytester) -> None:
    arguments = ["--tck=own_adapters:broken", "--tck=own_adapters:conforming"]
    alone = session.runpytest_subprocess(*arguments)
    shared = session.runpytest_subprocess(*arguments, "-n", "2")

    def conformance(result: pytest.RunResult) -> list[str]:
        text = result.stdout.str()
        return text[text.index(f"catalogue: {EDITION}") : text.index("conforming: ")].split("\n")

    assert conformance(shared) == conformance(alone)
    assert alone.ret == shared.ret == pytest.ExitCode.TESTS_FAILED
