"""The recordings of one adapter, and their replay."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tck.cassettes import cassette as cassette_file
from tck.cassettes.cassette import Cassette, DamagedError
from tck.cassettes.scenarios import Scenario
from tck.verdicts import KitError, NotVerified


@dataclass(frozen=True)
class Library:
    """A folder of cassettes, one per scenario."""

    adapter: str
    """What the adapter is called on the command line, for advice."""
    folder: Path | None

    def path(self, scenario: Scenario) -> Path:
        """Where the recording of a scenario is, or would be.

        Raises:
            NotVerified: the adapter names no folder.
        """
        if self.folder is None:
            raise NotVerified(
                "the adapter has no recordings",
                f"name a folder in cassettes= and run `tck record {self.adapter}`",
                cause="no-recordings",
            )
        return self.folder / f"{scenario.name}.json"

    def require(self, scenarios: Iterable[Scenario]) -> None:
        """Raise `NotVerified`, naming them all, when some scenarios have no recording."""
        missing = [scenario.name for scenario in scenarios if not self.path(scenario).exists()]
        if missing:
            raise NotVerified(
                f"no recording of {', '.join(missing)} in {self.folder}",
                f"make {'them' if len(missing) > 1 else 'it'} with `tck record {self.adapter}`",
            )

    def load(self, scenario: Scenario) -> Cassette:
        """The recording of a scenario.

        Raises:
            NotVerified: there is none, or it is of another version of the scenario.
            KitError: the file is damaged.
        """
        self.require([scenario])
        path = self.path(scenario)
        again = f"`tck record {self.adapter} -k {scenario.name}`"
        cassette = read_cassette(path, f"record it again with {again}")
        if cassette.passport.get("scenario_digest") != scenario.digest:
            raise NotVerified(
                f"cassette {path} was recorded for another version of the scenario",
                f"record it again with {again}",
            )
        return cassette


@dataclass(frozen=True)
class CassetteFile:
    """One file that should be a cassette."""

    path: Path
    name: str
    """A short name of it, for messages: inside a folder, it begins with the folder's."""


def read_cassette(path: Path, remedy: str) -> Cassette:
    """The cassette in a file.

    Args:
        path: where it is.
        remedy: what to do with a damaged one, besides restoring it.

    Raises:
        KitError: it cannot be read or is damaged; the message names it.
    """
    try:
        return cassette_file.loads(path.read_bytes())
    except OSError as error:
        raise KitError(f"cassette {path} cannot be read: {error.strerror}") from error
    except DamagedError as error:
        raise KitError(
            f"cassette {path} is damaged: {error}; restore it from version control or {remedy}"
        ) from error
