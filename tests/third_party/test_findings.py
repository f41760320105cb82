"""What the kit finds in other people's adapters is what the page of findings says, and no more."""

from __future__ import annotations

import importlib
import re

import pytest

from tck.adapter import AdapterUnderTest
from tck.catalogue import denominator
from tck.grading import Outcome
from tck.run.assessment import assess
from tests.helpers import REPOSITORY, target_of
from tests.third_party import DESCRIBED

ADAPTERS: list[AdapterUnderTest] = [
    adapter
    for module in DESCRIBED
    for adapter in importlib.import_module(f"tests.third_party.{module}").ADAPTERS
]


def _listed(adapter: str) -> set[str]:
    page = (REPOSITORY / "docs" / "findings.md").read_text(encoding="utf-8")
    section = re.search(rf"^### `{adapter}`$(.*?)(?=^#|\Z)", page, re.MULTILINE | re.DOTALL)
    assert section is not None, f"docs/findings.md has no section on {adapter}"
    return set(re.findall(r"^\| ([A-Z]+-\d\d) ", section[1], re.MULTILINE))


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("adapter", ADAPTERS, ids=lambda adapter: adapter.name)
def test_every_finding_is_on_the_page(adapter: AdapterUnderTest) -> None:
    target = target_of(adapter)
    results = [assess(target, requirement) for requirement in denominator(target.capabilities)]
    assert not [result.detail for result in results if result.kit_fault]
    failed = {
        result.requirement.id: result.detail
        for result in results
        if result.outcome is Outcome.FAILED
    }
    assert failed.keys() == _listed(adapter.name), failed
