"""Checks of `llm.StructuredExtractor` on texts that hypothesis makes up.

What a model writes is made up, and goes the adapter's own way over the scripted wire. The
examples are the same every time, and what fails is shrunk before it is reported.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from tck.checks.comparing import same
from tck.checks.extraction import as_json, assert_instance, extracted
from tck.checks.registry import check
from tck.checks.subject import Subject
from tck.verdicts import NotApplicable, Violation
from tck.wire.dialects.model import ChatRequest
from tck.wire.server import Reply
from tck.wire.wire import Wire


class Note(BaseModel):
    """One that a piece of itself may validate as, so that what was cut could be believed."""

    title: str = ""
    tags: list[str] = []
    count: int = 0


# Ordinary pieces among those that lead careless parsers astray.
_PIECES = st.sampled_from(
    [
        *("a", "b c", "é", "😀", "{x}", "}", "[", ",}", ",]", ":", "'", '"', "//", "```", "\\"),
        *("\n", "\u201cq\u201d"),
    ]
)
_STRINGS = st.lists(_PIECES, max_size=4).map("".join)
NOTES = st.builds(
    Note,
    title=_STRINGS,
    tags=st.lists(_STRINGS, min_size=1, max_size=3),
    count=st.integers(10, 10**6),
)
_CALM = st.text("abc xyz.é😀", max_size=8)
CALM_NOTES = st.builds(
    Note, title=_CALM, tags=st.lists(_CALM, max_size=3), count=st.integers(0, 99)
)


def fenced(note: Note) -> str:
    return f"```json\n{note.model_dump_json(indent=2)}\n```"


def in_prose(note: Note) -> str:
    return f"Sure! Here is the note:\n\n{as_json(note)}\n\nLet me know if you need more."


def with_trailing_commas(note: Note) -> str:
    tags = "".join(f"{json.dumps(tag)}," for tag in note.tags)
    title = json.dumps(note.title)
    return f'{{"title": {title}, "tags": [{tags}], "count": {note.count},}}'


def with_smart_quotes(note: Note) -> str:
    return re.sub('"([^"]*)"', "\u201c\\1\u201d", as_json(note))


# Smart quotes around a text with quotes in it could not be told from those.
DRESSED = st.one_of(
    st.tuples(NOTES, st.sampled_from([fenced, in_prose, with_trailing_commas])),
    st.tuples(CALM_NOTES, st.just(with_smart_quotes)),
)


@st.composite
def cuts(draw: st.DrawFn) -> tuple[str, bool]:
    """A note that was cut anywhere, and whether the provider says so."""
    text = as_json(draw(NOTES))
    return text[: draw(st.integers(1, len(text) - 1))], draw(st.booleans())


@check("STR-07", evidence="fuzzed")
async def truncated_output(subject: Subject, wire: Wire) -> None:
    whole = Note(title="the whole one", tags=["w"], count=7)
    async with subject.chat(wire) as provider:

        async def try_example(example: tuple[str, bool]) -> None:
            text, is_cut = example
            numbers = _attempts(
                wire,
                # Where the wire carries objects, only the provider can say that one was cut.
                lambda request: (text, is_cut or request.mode == "tool"),
                lambda _: (as_json(whole), False),
            )
            seen = await extracted(provider, Note, max_retries=1)
            if not same(whole, seen) or len(numbers) != 2:
                raise Violation(
                    expected="output that was cut off is not believed, and tried again",
                    seen=f"{seen!r:.200} after {len(numbers)} requests, of the text {text!r:.300}",
                )

        await _explore(cuts(), subject.examples, try_example)


@check("STR-10", evidence="fuzzed")
async def dressed_output(subject: Subject, wire: Wire) -> None:
    async with subject.chat(wire) as provider:
        plain = Note(title="plain", tags=[], count=1)
        modes = _attempts(wire, lambda _: (as_json(plain), False))
        await extracted(provider, Note, max_retries=0)
        wire.assert_received()
        if modes and modes[0].mode in ("schema", "tool"):
            raise NotApplicable(
                f"the adapter asks for objects in the {modes[0].mode} mode, whose output needs "
                "no undressing"
            )

        async def try_example(example: tuple[Note, Callable[[Note], str]]) -> None:
            note, dress = example
            text = dress(note)
            _attempts(wire, lambda _: (text, False))
            try:
                assert_instance(note, await extracted(provider, Note, max_retries=0))
            except Violation as violation:
                raise Violation(
                    expected=f"{violation.expected}, of the text {text!r:.400}",
                    seen=violation.seen,
                ) from violation

        await _explore(DRESSED, subject.examples, try_example)


def _attempts(wire: Wire, *answers: Callable[[ChatRequest], tuple[str, bool]]) -> list[ChatRequest]:
    """Answer attempt after attempt, the last answer again and again."""
    requests: list[ChatRequest] = []

    def script(request: ChatRequest) -> Reply:
        requests.append(request)
        text, cut = answers[min(len(requests), len(answers)) - 1](request)
        return Reply(wire.structured_dialect.write_object(request, text, cut=cut))

    wire.on_chat(script)
    return requests


async def _explore(
    examples: st.SearchStrategy[Any], number: int, attempt: Callable[[Any], Awaitable[None]]
) -> None:
    """Try made-up examples; the violation raised is that of the simplest that fails."""
    loop = asyncio.get_running_loop()

    @settings(
        max_examples=number,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
    )
    @given(examples)
    def explore(example: Any) -> None:
        asyncio.run_coroutine_threadsafe(_awaited(attempt, example), loop).result()

    # Hypothesis is synchronous, and the adapter belongs to this loop.
    await asyncio.to_thread(explore)


async def _awaited(attempt: Callable[[Any], Awaitable[None]], example: Any) -> None:
    await attempt(example)
