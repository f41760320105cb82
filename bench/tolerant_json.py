"""Times `llm.tolerant_json` beside other parsers, and counts who is wrong.

    tox -e bench [-- --markdown FILE] [--quick]

Everything is measured in one run on one machine, the parsers in turn, so that what a table
says is in the ratios. A figure is the best of several rounds.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import platform
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.parsers import Parser, Raised, parsers, same, value_of, version
from bench.texts import KINDS, SIZES, clean, hostile, text
from tck.resources import resource

_PATIENCE = 10
"""Seconds that one call may take."""
_WIDTH = 140
_GROWTH = (1_000, 4_000, 16_000, 64_000)
STRICT = {"json", "orjson", "jiter", "json5"}

Rows = list[list[str]]


def main() -> int:
    """Measure, print, and write the tables as Markdown when asked to."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--markdown", type=Path, metavar="FILE")
    arguments.add_argument("--quick", action="store_true", help="fewer rounds, for a first look")
    options = arguments.parse_args()
    rounds = 3 if options.quick else 9
    measured = parsers()
    versions = ", ".join(f"{name} {version(name)}".strip() for name in measured)
    about = (
        f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, "
        f"{platform.machine()}; {versions}."
    )
    tables = [
        *(
            (
                f"Microseconds a call on {name}, best of several rounds",
                *_speed(measured, size, rounds),
            )
            for name, size in SIZES.items()
        ),
        ("Growth: milliseconds on 1k, 4k, 16k and 64k characters", *_growth(measured)),
        ("Accuracy on the vectors", *_accuracy(measured)),
    ]
    console = Console(width=max(_WIDTH, Console().width))
    for title, header, rows in tables:
        table = Table(*header, title=title)
        for row in rows:
            table.add_row(*row)
        console.print(table)
    console.print(about)
    if options.markdown:
        options.markdown.write_text(_markdown(tables, about), encoding="utf-8")
    return 0


def _speed(measured: dict[str, Parser], size: int, rounds: int) -> tuple[list[str], Rows]:
    expected = json.loads(clean(size))
    rows: Rows = [[name] for name in measured]
    for kind in KINDS:
        body = text(kind, size)
        wanted = Raised if kind == "truncated" else expected
        times = _in_turn(measured, body, rounds)
        for row, (name, parser) in zip(rows, measured.items(), strict=True):
            figure = "timeout" if times[name] is None else f"{times[name] or 0:,.1f}"
            row.append(f"{figure} {_mark(parser, body, wanted)}".strip())
    return ["parser", *KINDS], rows


def _mark(parser: Parser, body: str, wanted: Any) -> str:
    """What a time is worth: nothing where the value was wrong."""
    value = _patiently(partial(value_of, parser, body))
    if value is None or same(value, wanted):
        return ""
    return "raises" if value is Raised else "WRONG"


def _in_turn(measured: dict[str, Parser], body: str, rounds: int) -> dict[str, float | None]:
    """Best time of each parser in microseconds; ``None`` for one that took too long."""
    best: dict[str, float | None] = {}
    loops: dict[str, int] = {}
    for name, parser in measured.items():
        once = _patiently(partial(_timed, parser, body, 1))
        best[name] = once
        loops[name] = 0 if once is None else max(1, min(20_000, int(10_000 / max(once, 0.1))))
    for _ in range(rounds):
        for name, parser in measured.items():
            so_far = best[name]
            if so_far is not None and so_far < 1_000_000:
                best[name] = min(so_far, _timed(parser, body, loops[name]))
    return best


def _timed(parser: Parser, body: str, loops: int) -> float:
    clock = time.perf_counter_ns
    start = clock()
    for _ in range(loops):
        try:
            parser(body)
        except Exception:
            pass
    return (clock() - start) / loops / 1000


def _growth(measured: dict[str, Parser]) -> tuple[list[str], Rows]:
    rows: Rows = []
    tolerant = {name: parser for name, parser in measured.items() if name not in STRICT}
    for name in hostile(100):
        row = [name]
        for parser in tolerant.values():
            times = [_apart(parser, hostile(size)[name]) for size in _GROWTH]
            figures = [one if isinstance(one, str) else f"{one / 1000:,.2f}" for one in times]
            row.append(" ".join(figures))
        rows.append(row)
    return ["repeated", *tolerant], rows


def _apart(parser: Parser, body: str) -> float | str:
    """Best time in a process of its own: a parser may overflow the stack and take it down."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def measure() -> None:
        sender.send(min(_timed(parser, body, 1) for _ in range(3)))

    process = context.Process(target=measure)
    process.start()
    sender.close()
    answered = receiver.poll(3 * _PATIENCE)
    try:
        return float(receiver.recv()) if answered else "timeout"
    except EOFError:
        return "crash"
    finally:
        process.kill()
        process.join()


def _accuracy(measured: dict[str, Parser]) -> tuple[list[str], Rows]:
    lines = resource("fixtures", "json", "vectors.jsonl").read_text(encoding="utf-8").splitlines()
    vectors = [json.loads(line) for line in lines]
    rows: Rows = []
    for name, parser in measured.items():
        counts = {"right": 0, "raised": 0, "silently wrong": 0}
        for vector in vectors:
            value = _patiently(partial(value_of, parser, vector["text"]))
            counts[_verdict(vector, Raised if value is None else value)] += 1
        rows.append([name, *map(str, counts.values())])
    return ["parser", "right", "raised, needlessly", "silently wrong"], rows


def _verdict(vector: dict[str, Any], value: Any) -> str:
    accepted = [vector["expect"], *vector.get("also", [])]
    if vector.get("beyond"):
        accepted.append("raise")
    if any(same(value, Raised if one == "raise" else one) for one in accepted):
        return "right"
    return "raised" if value is Raised else "silently wrong"


def _patiently(call: Callable[[], Any]) -> Any:
    """What a call returns, or ``None`` when it takes too long."""

    def give_up(number: int, frame: FrameType | None) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(_PATIENCE)
    try:
        return call()
    except TimeoutError:
        return None
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _markdown(tables: list[tuple[str, list[str], Rows]], about: str) -> str:
    parts = []
    for title, header, rows in tables:
        lines = [f"### {title}", "", _line(header), _line(["---"] + ["--:"] * (len(header) - 1))]
        lines += [_line([f"`` {row[0]} ``", *row[1:]]) for row in rows]
        parts.append("\n".join(lines))
    return "\n\n".join([*parts, about]) + "\n"


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    sys.exit(main())
