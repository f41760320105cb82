"""How models dress the JSON object that they were asked for, as hypothesis strategies."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

# Pieces of strings that lead careless parsers astray, among ordinary ones.
_PIECES = st.sampled_from(
    [
        *("a", "b c", "é", "😀", "{x}", "{", "}", "[", "]", ",}", ",]", ":", "“q”", "’", "'", "\\"),
        *('"', "//", "/*", "*/", "#", "```", "None", "</think>", "<think>", "\n", "\t", "<!--"),
        *('{"z": 1}', 'k": 1', "\u2028", "https://x.y", "it's", "\ud83d"),
    ]
)
strings = st.lists(_PIECES, max_size=4).map("".join) | st.text(max_size=8)
numbers = (
    st.integers() | st.floats(allow_nan=False) | st.sampled_from([10**30, -0.0, 1e300, 5e-324])
)
scalars = st.none() | st.booleans() | numbers | strings
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(strings, inner, max_size=3),
    max_leaves=12,
)
objects = st.dictionaries(strings, values, max_size=4)


@dataclass(frozen=True)
class Dressed:
    """A text, what it holds, and where in it."""

    text: str
    value: dict[str, Any]
    start: int
    end: int


_BEFORE = st.sampled_from(
    [
        "",
        "Sure:\n",
        "Here is {name} for you:\n\n```json\n",
        "``` json\n",
        "~~~\n",
        '<think>hmm {"a": 1} and {b</think>',
        "The set {a, b} is fine. ",
        "For {{customer}}: ",
        "As [1] says, ",
        "I'd say: ",
        '// {"x": 2}\n',
        "It’s “it”: ",
        "result = ",
        "- [ ] done\n",
        "\ufeff",
        "<tool_call>",
        "**Answer**: ",
        "for(;;);",
    ]
)
_AFTER = st.sampled_from(
    [
        "",
        "\n```\nHope it's ok, {user}!",
        "\n~~~",
        "</tool_call>",
        ".",
        "\n\nBye {x}.",
        "<|im_end|>",
        ";",
        "\n// end",
        " [2]",
        " and so on",
    ]
)


@st.composite
def written(draw: st.DrawFn, value: Any, *, commas: bool) -> str:
    """A value as JSON, with or without trailing commas, in some layout."""
    ascii_only = draw(st.booleans())
    gap = draw(st.sampled_from([" ", "", "\n  "]))

    def write(value: Any) -> str:
        if not isinstance(value, dict | list) or not value:
            return json.dumps(value, ensure_ascii=ascii_only)
        end = draw(st.sampled_from(["", ",", ",\n", ", "])) if commas else ""
        if isinstance(value, list):
            return "[" + f",{gap}".join(map(write, value)) + end + "]"
        members = (
            f"{json.dumps(key, ensure_ascii=ascii_only)}:{gap}{write(inner)}"
            for key, inner in value.items()
        )
        return "{" + gap + f",{gap}".join(members) + end + "}"

    return write(value)


@st.composite
def dressed(draw: st.DrawFn, *, commas: bool = True) -> Dressed:
    """An object in prose, fences or thoughts, perhaps with trailing commas."""
    value = draw(objects)
    before, after = draw(_BEFORE), draw(_AFTER)
    body = draw(written(value, commas=commas))
    return Dressed(before + body + after, value, len(before), len(before) + len(body))


# What smart quotes delimit must not hold any, or nobody could tell where a string ends.
_CALM = st.text(st.characters(codec="utf-8", exclude_characters='\\"“”„‟″＂'), max_size=8)
_CALM_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | _CALM,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_CALM, inner, max_size=3),
    max_leaves=8,
)


@st.composite
def smartly_quoted(draw: st.DrawFn) -> Dressed:
    """An object with smart quotes where the plain ones should be."""
    value = draw(st.dictionaries(_CALM, _CALM_VALUES, max_size=4))

    def write(value: Any) -> str:
        if isinstance(value, str):
            return f"\u201c{value}\u201d"
        if isinstance(value, list):
            return "[" + ", ".join(map(write, value)) + "]"
        if isinstance(value, dict):
            members = (f"{write(key)}: {write(inner)}" for key, inner in value.items())
            return "{" + ", ".join(members) + "}"
        return json.dumps(value)

    before, after, body = draw(_BEFORE), draw(_AFTER), write(value)
    return Dressed(before + body + after, value, len(before), len(before) + len(body))


@st.composite
def as_python(draw: st.DrawFn) -> Dressed:
    """An object as Python writes a dict."""
    value = draw(objects)
    body = repr(value)
    return Dressed(body, value, 0, len(body))


# Fragments from which a text is made that may be anything.
soup = st.lists(
    _PIECES
    | st.sampled_from(['{"a":', '{"a": 1}', "{'b': ", "1", "true", "-", "1e5", " ", ",", '"', "“"]),
    max_size=30,
).map("".join)
