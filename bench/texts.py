"""The texts that parsers are timed on."""

from __future__ import annotations

import json
import re

KINDS = ("clean", "fenced", "prose", "trailing comma", "smart quotes", "truncated")
SIZES = {"1 KB": 1_000, "100 KB": 100_000}

_RECORD = {
    "id": 184467,
    "name": "Ada Lovelace",
    "text": "She wrote: {the engine}, and [so on], isn't that \\ fine?",
    "tags": ["maths", "poetry", "engines"],
    "score": 0.4375,
    "ok": True,
    "none": None,
    "place": {"city": "London", "at": [51.5, -0.12]},
}


def clean(size: int) -> str:
    """A JSON object of about ``size`` characters, as a model lays it out."""
    one = json.dumps(_RECORD, indent=2)
    records = [{**_RECORD, "id": number} for number in range(max(1, size // len(one)))]
    return json.dumps({"records": records}, indent=2)


def text(kind: str, size: int) -> str:
    """A text of a kind, around or out of the same object."""
    body = clean(size)
    match kind:
        case "clean":
            return body
        case "fenced":
            return f"Sure! Here is the JSON:\n\n```json\n{body}\n```\n\nLet me know."
        case "prose":
            return f"I used the {{name}} template, as you said. {body} That's it, {{user}}!"
        case "trailing comma":
            return re.sub(r"([}\]\"el\d])(\n\s*[}\]])", r"\1,\2", body)
        case "smart quotes":
            return re.sub(r'"(\w+)":', "\u201c\\1\u201d:", body)
        case "truncated":
            return body[: len(body) * 9 // 10]
    raise ValueError(kind)


def hostile(size: int) -> dict[str, str]:
    """Texts of about ``size`` characters that make a careless parser quadratic, or worse."""

    def repeated(unit: str) -> str:
        return unit * (size // len(unit))

    return {
        "{": repeated("{"),
        "[{": repeated("[{"),
        '{"a":': repeated('{"a":'),
        "{}": repeated("{}"),
        '{"a":"{': repeated('{"a":"{'),
        "```": repeated("```"),
        '"': repeated('"'),
        "\\": repeated("\\"),
        "'": repeated("{'"),
        "/*": repeated("{/*"),
        "{#": repeated("{#") + "\n)",
        "[#": repeated("[#") + "\n)",
        "\u201c": repeated("{\u201c"),
        "<think>": repeated("<think>"),
        '{"a":1,}': repeated('{"a":1,}'),
        "bad candidates": repeated('line\n{"a": nope}\n'),
        "bad then good": repeated("{x}\n") + '{"a": 1}',
    }
