"""The rules of `tck lint`: what is wrong with cassettes, as far as their files tell."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from tck.cassettes.cassette import Cassette, DamagedError, loads
from tck.cassettes.scenarios import Scenario, scenarios
from tck.cassettes.secrets import Live, find_secrets
from tck.wire.dialects.model import Dialect

Rule = Literal[
    "damaged", "secret", "unknown", "stale", "missing", "foreign-interaction", "unused", "age"
]
Level = Literal["error", "warning"]

RULES: dict[Rule, tuple[Level, str]] = {
    "damaged": ("error", "the file is cut, was edited by hand, or is not a cassette"),
    "secret": ("error", "it holds a live value of this machine, or what looks like a key"),
    "unknown": ("error", "there is no such scenario, or the file's name says another one"),
    "stale": ("error", "it was recorded for another version of its scenario"),
    "missing": ("error", "a scenario of the adapter has no recording"),
    "foreign-interaction": ("error", "it holds a request that the adapter's wire does not have"),
    "unused": ("error", "the adapter does not use all of it"),
    "age": ("warning", "it has expired: its provider may say something else today"),
}
"""What is looked for, how bad it is, and what it means."""


@dataclass(frozen=True)
class LintProblem:
    """What is wrong with a file, or with one that is missing."""

    file: Path
    rule: Rule
    message: str

    @property
    def level(self) -> Level:
        return RULES[self.rule][0]


@dataclass(frozen=True)
class LintReport:
    """All that one run of `tck lint` has found."""

    files: int
    """How many cassettes were read."""
    problems: tuple[LintProblem, ...]

    def is_clean(self, *, strict: bool) -> bool:
        """Whether there is no error; with ``strict``, no warning either."""
        return not any(strict or problem.level == "error" for problem in self.problems)


def lint_file(path: Path, live: Iterable[Live], today: date) -> Iterator[LintProblem]:
    """What is wrong with one cassette by itself.

    Args:
        path: of a file that should be one.
        live: values that must not be in it.
        today: for its age.

    Raises:
        OSError: it cannot be read.
    """
    try:
        cassette = loads(path.read_bytes())
    except DamagedError as error:
        yield LintProblem(path, "damaged", f"{error}; restore it, or record it again")
        return
    for secret in dict.fromkeys(find_secrets(cassette, live)):
        yield LintProblem(path, "secret", f"{secret}; record it again, and renew what has leaked")
    yield from _of_its_scenario(path, cassette)
    until = cassette.fresh_until
    if until is None or until < today:
        said = "it does not say until when it is fresh" if until is None else f"fresh until {until}"
        yield LintProblem(path, "age", f"{said}; record it again")


def _of_its_scenario(path: Path, cassette: Cassette) -> Iterator[LintProblem]:
    name = cassette.passport.get("scenario")
    scenario = scenarios().get(str(name))
    if scenario is None:
        yield LintProblem(path, "unknown", f"there is no scenario {name!r}: delete it")
    elif path.stem != name:
        yield LintProblem(path, "unknown", f"it is a recording of {name}: rename or delete it")
    elif cassette.passport.get("scenario_digest") != scenario.digest:
        yield LintProblem(path, "stale", f"{name} has changed since: record it again")


def lint_folder(
    folder: Path, expected: Iterable[Scenario], dialect: Dialect | None
) -> Iterator[LintProblem]:
    """What is wrong with the cassettes of one adapter together.

    Args:
        folder: where they are.
        expected: the scenarios that the adapter is recorded with.
        dialect: of its wire, where there is one.
    """
    names = [scenario.name for scenario in expected]
    files = sorted(folder.glob("*.json")) if folder.is_dir() else []
    for name in names:
        if not (folder / f"{name}.json").is_file():
            yield LintProblem(folder / f"{name}.json", "missing", f"no recording of {name}")
    for path in files:
        yield from _of_its_adapter(path, names, dialect)


def _of_its_adapter(
    path: Path, names: Collection[str], dialect: Dialect | None
) -> Iterator[LintProblem]:
    if path.stem in scenarios() and path.stem not in names:
        yield LintProblem(
            path, "unknown", f"the adapter is not recorded with {path.stem}: delete it"
        )
    try:
        cassette = loads(path.read_bytes())
    except DamagedError:
        return  # lint_file reports it
    for number, interaction in enumerate(cassette.interactions):
        request = interaction.request
        if dialect is not None and dialect.route(request.method, request.path) is None:
            yield LintProblem(
                path,
                "foreign-interaction",
                f"interaction {number} is {request.method} {request.path}, which the "
                f"{dialect.name} wire does not have",
            )
