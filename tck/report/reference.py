"""The reference page of all requirements, written from the data."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import groupby

from tck.catalogue import Requirement, requirements
from tck.checks import CHECKS

_TITLES = {
    "chat": "Chat: `LLMProvider`",
    "errors": "Errors: of `complete`, and of `embed` where the adapter embeds",
    "embedding": "Embeddings: `EmbeddingProvider`",
    "structured": "Structured output: `StructuredExtractor`",
    "backend": "Backends: `BaseBackendLLM`",
    "recordings": "Recordings",
}
_HEAD = """\
# Requirements

<!-- Written by `tck list --markdown`. Edit the catalogue in tck/catalogue, not this page. -->

What an adapter is graded on. Ids are permanent: a requirement may be retired, never renumbered or
reused. A MUST counts for the grade, a SHOULD is advice. *Evidence* is what the check rests on:
recorded responses of a real provider, a scripted provider on loopback, or texts that hypothesis
makes up.
"""


def reference_page() -> str:
    """The page, in Markdown."""
    everything = sorted(requirements().values(), key=_area)
    parts = [_HEAD]
    for area, found in groupby(everything, key=_area):
        capability = list(_TITLES)[area]
        parts.append(f"## {_TITLES[capability]}\n\n" + "\n".join(_table(list(found))) + "\n")
    return "\n".join(parts)


def _area(requirement: Requirement) -> int:
    return list(_TITLES).index(requirement.capability)


def _table(found: Collection[Requirement]) -> Iterator[str]:
    yield "| id | tier | level | requirement | evidence | source | look at first |"
    yield "|---|---|---|---|---|---|---|"
    for one in found:
        evidence = ", ".join(CHECKS[one.id].evidence)
        text = one.text if one.limit is None else f"{one.text} (limit `{one.limit}`)"
        cells = (one.id, one.tier, one.level.upper(), text, evidence, one.source, one.look_at)
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
