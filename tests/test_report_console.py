"""The report in a terminal: what is told, in any width, of anything that an adapter says."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from tck.catalogue import requirements
from tck.grading import Outcome, Result
from tck.report.console import print_report
from tck.report.model import AdapterReport, Report, report_on
from tck.report.page import listed
from tck.report.words import ORDER
from tests.reports import EVERYTHING, FINDING, WIRED, adapter, printed, report, result, unloaded

NAMES = [
    *("openai", "anthropic", "litellm", "sentence-transformers"),
    *("my-company-gateway-adapter-for-everything", "適配器"),
]
WIDTHS = [60, 80, 120, 200]
WORDS = {word.full for word in ORDER} | {word.short for word in ORDER}

shared = replace(FINDING, cause="factory", seen="it raised ZeroDivisionError: division by zero")


def _of(name: str, number: int) -> AdapterReport:
    """Adapters that differ, so that every outcome stands somewhere."""
    outcomes: dict[str, Outcome | Result] = {
        "CHAT-04": Outcome.FAILED,
        "CHAT-07": Outcome.EXEMPT,
        "CHAT-17": list(Outcome)[number % len(Outcome)],
        "REC-01": result("REC-01", Outcome.NOT_VERIFIED, kit_fault=number % 2 == 0),
    }
    return adapter(name, outcomes if number else {}, WIRED if number == 2 else EVERYTHING)


def _rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines() if re.match(r"[A-Z]{3,4}-\d\d +\S", line)]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("number", range(1, 7))
def test_every_width_holds_one_to_six_adapters(number: int, width: int) -> None:
    made = report(*(_of(NAMES[place], place) for place in range(number)))
    text = printed(made, width, terminal=True, verbose=True)
    for line in text.splitlines():
        assert cell_len(line) <= width, line
        assert line == line.rstrip()
    rows = _rows(text)
    assert [row[0] for row in rows] == list(requirements())
    last = [[word for word in row if word in WORDS] for row in rows]
    assert all(len(words) >= number for words in last), "no outcome is cut or broken"
    for place in range(number):
        assert NAMES[place] in text
    words = {word for title in requirements().values() for word in title.title.split()}
    assert words <= set(text.split()), "no word of a title is broken"


@given(st.integers(40, 200), st.integers(1, 9), st.booleans())
@settings(max_examples=40)
def test_no_line_is_wider_than_the_terminal(width: int, number: int, ascii_only: bool) -> None:
    made = report(*(_of(f"adapter-{place}", place) for place in range(number)))
    encoding = "ascii" if ascii_only else "utf-8"
    text = printed(made, width, terminal=True, encoding=encoding)
    assert max(map(cell_len, text.splitlines())) <= width
    assert {row[0] for row in _rows(text)} == set(requirements())


def test_what_is_told_of_a_finding() -> None:
    text = printed(report(adapter(outcomes={"CHAT-04": Outcome.FAILED})))
    start = text.index("acme CHAT-04 FAILED (MUST: a reply without text")
    assert text[start:].splitlines()[1:5] == [
        "  expected: content of a reply without text = ''",
        "  seen: content of a reply without text = None",
        "  look at: what the adapter does when the reply's text is null, empty or missing",
        "  at: acme/adapters.py:12",
    ]
    assert "acme 70 passed, 1 FAILED\n" in text
    assert "acme: none (bronze withheld by CHAT-04)\n" in text
    assert "  tck run acme.adapters:acme -k CHAT-04\n" in text
    assert "ValueError: boom" not in text


def test_a_silver_adapter_is_told_in_few_words() -> None:
    text = printed(report(adapter()))
    assert text.endswith("acme 71 passed\n\nacme: silver\n")


def test_the_next_tier_is_told_and_not_the_one_after() -> None:
    outcomes = {"CHAT-17": Outcome.FAILED, "STR-05": Outcome.NOT_VERIFIED}
    text = printed(report(adapter(outcomes=outcomes)))
    assert "acme: bronze (silver withheld by STR-05)\n" in text
    both = printed(report(adapter(outcomes={**outcomes, "CHAT-04": Outcome.FAILED})))
    assert "acme: none (bronze withheld by CHAT-04)\n" in both


def test_a_must_and_a_should_look_different() -> None:
    text = printed(report(adapter(outcomes={"CHAT-04": Outcome.FAILED, "CHAT-17": Outcome.FAILED})))
    assert "acme CHAT-17 advice (SHOULD: " in text
    assert "1 FAILED, 1 advice" in text
    assert text.index("CHAT-04 FAILED (") < text.index("CHAT-17 advice (")


def test_one_cause_is_told_once_with_all_that_it_withholds() -> None:
    names = [name for name in requirements() if name.startswith("CHAT")]
    outcomes: dict[str, Outcome | Result] = {
        name: result(name, Outcome.FAILED, shared) for name in names
    }
    other = replace(shared, seen="it raised KeyError: 'x'")
    outcomes["STR-01"] = result("STR-01", Outcome.FAILED, other)
    text = printed(report(adapter(outcomes=outcomes)))
    assert text.count("it raised ZeroDivisionError") == 1
    assert "acme CHAT-01 FAILED, and 17 more for the same cause\n" in text
    assert "  seen in STR-01: it raised KeyError: 'x'\n" in text
    assert "  withholds: CHAT-01 to CHAT-13, STR-01\n" in text
    assert "  advice on: CHAT-14 to CHAT-17\n" in text


def test_behaviour_is_never_shared() -> None:
    made = adapter(outcomes={"CHAT-04": Outcome.FAILED, "CHAT-05": Outcome.FAILED})
    assert [group.ids for group in made.findings] == [("CHAT-04",), ("CHAT-05",)]


def test_a_fault_of_the_kit_is_told_as_one() -> None:
    fault = replace(FINDING, seen="kit error: x.json is damaged", cause="kit")
    made = adapter(outcomes={"REC-01": result("REC-01", Outcome.NOT_VERIFIED, fault)})
    results = tuple(replace(one, kit_fault=one.requirement.id == "REC-01") for one in made.results)
    text = printed(report(replace(made, results=results)))
    assert "acme REC-01 KIT FAULT (the kit failed, not the adapter)\n" in text


def test_an_adapter_that_could_not_be_loaded() -> None:
    text = printed(report(unloaded("broken:adapter")))
    assert "broken:adapter CHAT-01 UNVERIFIED, and 70 more for the same cause\n" in text
    assert text.count("it raised ImportError") == 1
    assert "  withholds: all of CHAT-01 to CHAT-17, ERR-01 to ERR-13, " in text


def test_only_what_is_selected_is_shown() -> None:
    made = adapter(
        outcomes={"CHAT-04": Outcome.FAILED, "ERR-05": Outcome.FAILED},
        selected=frozenset({"CHAT-03", "CHAT-04"}),
    )
    text = printed(report(made, selection="CHAT-03 or CHAT-04"))
    assert text.startswith("selected: CHAT-03 or CHAT-04\n")
    assert [row[0] for row in _rows(text)] == ["CHAT-03", "CHAT-04"]
    assert "acme 1 passed, 1 FAILED\n" in text
    assert "ERR-05" not in text
    assert "acme: no grade (a part of the catalogue has none; of what was selected" in text


def test_an_interrupted_run_says_what_was_not_run() -> None:
    whole = adapter(outcomes={"CHAT-04": Outcome.FAILED})
    found = {one.requirement.id: one for one in whole.results[:5]}
    made = report(report_on(whole.target, whole.declaration, found), interrupted=True)
    text = printed(made)
    assert text.startswith("interrupted: this is what was found so far\n")
    assert "acme 4 passed, 1 FAILED, 66 not run\n" in text
    assert "acme: not run, and so UNVERIFIED: CHAT-06 to CHAT-17, ERR-01 to ERR-13, " in text
    assert "acme: no grade (the run was interrupted)\n" in text


def test_what_was_told_elsewhere_is_not_repeated() -> None:
    outcomes: dict[str, Outcome | Result] = {
        "CHAT-04": Outcome.FAILED,
        **{name: result(name, Outcome.FAILED, shared) for name in ("ERR-01", "ERR-03", "ERR-05")},
    }
    made = report(adapter(outcomes=outcomes))
    target = made.adapters[0].target
    text = printed(made, told={(target, "CHAT-04"), (target, "ERR-01")})
    assert "expected: " not in text
    assert "acme ERR-03, ERR-05: for the same cause as ERR-01, told above\n" in text
    assert "acme: none (bronze withheld by CHAT-04" in text


def test_verbose_shows_the_traceback_and_the_exchange() -> None:
    made = report(adapter(outcomes={"CHAT-04": Outcome.FAILED}))
    text = printed(made, verbose=True)
    for expected in (
        "  request: POST /v1/chat/completions\n",
        '    {"model": "m"}\n',
        "  reply: 200\n",
        '    {"choices": []}\n',
        "    ValueError: boom\n",
    ):
        assert expected in text


def test_the_command_can_be_copied_in_any_width() -> None:
    made = adapter(outcomes={"CHAT-04": Outcome.FAILED})
    target = "a folder/with blanks:the_adapter_of_a_rather_long_name"
    text = printed(report(replace(made, target=target)), 60, terminal=True)
    command = re.sub(r" \\\n", " ", text[text.index("  tck run") :]).splitlines()[0]
    assert command == f"  tck run '{target}' -k CHAT-04"


def test_a_pipe_gets_whole_lines() -> None:
    long = replace(FINDING, seen="word " * 100 + "end")
    made = report(adapter(outcomes={"CHAT-04": result("CHAT-04", Outcome.FAILED, long)}))
    assert "  seen: " + "word " * 100 + "end\n" in printed(made, 60)


# --- texts of strangers ---

HOSTILE = [
    "[red]not markup[/] [/nothing] [link=x]",
    "\x1b[2J\x1b[31mcleared\x1b[0m\x07",
    "\x9b2J",
    "a\rover\bwritten\x00",
    "\u202egnp.exe\u2066",
    "\ud800 alone \udfff",
    "x" * 1_000_000,
    "line\n" * 100_000,
    "acme: silver\nacme: silver",
    "\u2028acme: silver\x85acme: silver\x0bacme: silver",
    "👨‍👩‍👧 日本語 e\u0301 …",
]
ENCODINGS = st.sampled_from(["utf-8", "ascii", "latin-1", "cp1252", "cp437", "shift_jis"])


def _made_of(text: str) -> Report:
    finding = replace(FINDING, expected=text, seen=text, look_at=text, place=text, trace=text)
    reason = replace(result("CHAT-07", Outcome.EXEMPT), reason=text)
    failed = result("CHAT-04", Outcome.FAILED, finding)
    made = adapter(outcomes={"CHAT-04": failed, "CHAT-07": reason}, contacted=(text,))
    broken = replace(unloaded(f"x{text}"), selected=frozenset({"CHAT-01"}))
    return report(made, broken)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts_are_shown_and_not_obeyed(text: str, encoding: str) -> None:
    for terminal in (True, False):
        out = printed(_made_of(text), terminal=terminal, verbose=True, encoding=encoding)
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e\u2066\ud800-\udfff]", out)
        assert len(out) < 100_000
        assert "\nacme: silver" not in out, "no text can pass for a line of the report"
    assert "not markup" not in text or "[red]not markup[/]" in out


@given(st.text(st.characters(), max_size=60), ENCODINGS, st.integers(40, 120))
@settings(max_examples=40)
def test_any_text_prints_in_any_encoding(text: str, encoding: str, width: int) -> None:
    finding = replace(FINDING, expected=text, seen=text, place=text, trace=text)
    made = adapter(
        outcomes={"CHAT-04": result("CHAT-04", Outcome.FAILED, finding)}, capabilities=WIRED
    )
    out = printed(report(made), width, terminal=True, encoding=encoding, verbose=True)
    assert max(map(cell_len, out.splitlines())) <= width


# --- colours ---


def _coloured(no_color: bool = False) -> str:
    file = io.StringIO()
    console = Console(
        file=file,
        width=80,
        force_terminal=True,
        color_system="standard",
        no_color=no_color,
        _environ={},
    )
    outcomes = {
        "CHAT-04": Outcome.FAILED,
        "CHAT-05": Outcome.NOT_VERIFIED,
        "CHAT-07": Outcome.EXEMPT,
        "CHAT-17": Outcome.FAILED,
    }
    print_report(report(adapter(outcomes=outcomes), adapter("silver")), console)
    return file.getvalue()


def test_the_colours_can_be_read_on_light_and_on_dark() -> None:
    codes = {
        int(code)
        for codes in re.findall(r"\x1b\[([\d;]*)m", _coloured())
        for code in codes.split(";")
        if code
    }
    red, green, magenta, cyan = 31, 32, 35, 36
    assert codes <= {0, 1, 2, red, green, magenta, cyan}, "no white, no yellow, no background"


def test_without_colour_there_is_none() -> None:
    assert not re.search(r"\x1b\[[\d;]*3\dm", _coloured(no_color=True))


def test_runs_of_ids_are_shortened() -> None:
    order = list(requirements())
    assert listed([], order) == ""
    assert listed(["CHAT-01", "CHAT-02"], order) == "CHAT-01, CHAT-02"
    assert listed(["CHAT-01", "CHAT-02", "CHAT-03", "CHAT-05"], order) == (
        "CHAT-01 to CHAT-03, CHAT-05"
    )
    assert listed(["CHAT-16", "CHAT-17", "ERR-01"], order) == "CHAT-16, CHAT-17, ERR-01"
