"""Records what a real model writes when it is asked for JSON in ways that make it misbehave.

Writes ``fixtures/json/recorded.jsonl``: one output a line, with the request that it answers
and where it comes from. The tests assert the laws of `llm.tolerant_json` on these texts.

    tox -e messes
"""

from __future__ import annotations

import itertools
import json
import sys
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from tck.cassettes.files import write_whole
from tck.cassettes.services import LOCAL_MODEL, Service, local_service
from tck.resources import resource

# What is asked for.
TASKS = (
    "a person with name, age and a list of hobbies",
    "a recipe with title, ingredients (a list of objects with name and grams) and steps",
    "a book with title, author, year and a one-sentence summary that quotes somebody",
    "an event with date, place (city, country) and the number of guests",
    "a shop order with id, three items (sku, price) and the total",
    "a bug report with title, severity, a code snippet that has braces, and tags",
)
# How it is asked for: each wording is a way in which people really ask, and models slip.
MANNERS = (
    "Answer with a JSON object only: {task}.",
    "Give me JSON for {task}. Put it in a markdown code block.",
    "Explain in a sentence what you are going to write, then write a JSON object for {task}, "
    "then say whether I should change anything.",
    "Write a Python dict literal with single quotes, True, False and None for {task}.",
    "Write JavaScript object notation with unquoted keys and // comments for {task}.",
    "Write JSON for {task}. Put a comma after every value, also the last one.",
    "Think first inside <think> and </think>, then give the JSON object for {task}.",
    "Use “typographic quotes” in the JSON for {task}.",
    "Give two different JSON objects for {task}, the better one last.",
    "Fill in the template {{name}} and answer in JSON with {task}.",
)
# Temperature, and where the reply is cut.
SETTINGS = ((0.0, 120), (0.8, 120), (0.8, 30), (1.2, 160), (1.0, 60))


def main() -> int:
    """Record everything, and write it as a whole."""
    lines = []
    with local_service() as provider:
        source = f"{LOCAL_MODEL}, {provider.server}, {datetime.now(UTC):%Y-%m-%d}"
        for number, request in enumerate(_requests(), start=1):
            reply = _ask(provider, request)
            choice = reply["choices"][0]
            line = {
                "id": f"recorded-{number:03}",
                "text": choice["message"]["content"],
                "finish_reason": choice["finish_reason"],
                "request": request,
                "source": source,
            }
            lines.append(json.dumps(line, ensure_ascii=False))
            print(f"\r{number}", end="", file=sys.stderr, flush=True)
    write_whole(resource("fixtures", "json", "recorded.jsonl"), "\n".join(lines) + "\n")
    return 0


def _requests() -> Iterator[dict[str, Any]]:
    combinations = itertools.product(MANNERS, TASKS, SETTINGS)
    for seed, (manner, task, (temperature, max_tokens)) in enumerate(combinations):
        yield {
            "messages": [{"role": "user", "content": manner.format(task=task)}],
            "temperature": temperature,
            "max_tokens": max_tokens,
            "seed": seed,
        }


def _ask(provider: Service, request: dict[str, Any]) -> Any:
    called = urllib.request.Request(
        f"{provider.origin}/v1/chat/completions",
        json.dumps({"model": provider.model, **request}).encode(),
        {"Authorization": f"Bearer {provider.api_key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(called, timeout=120) as response:
        return json.load(response)


if __name__ == "__main__":
    sys.exit(main())
