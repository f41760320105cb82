"""The catalogue is whole, and no check or page disagrees with it."""

import re

import pytest

from tck.adapter import LIMITS
from tck.catalogue import denominator, requirements
from tck.checks import CHECKS
from tck.checks.registry import check
from tck.report.reference import reference_page
from tests.helpers import REPOSITORY


def test_ids_are_numbered_without_gaps_within_their_area() -> None:
    areas: dict[str, list[int]] = {}
    for name in requirements():
        match = re.fullmatch(r"([A-Z]+)-(\d\d)", name)
        assert match is not None, name
        areas.setdefault(match[1], []).append(int(match[2]))
    for area, numbers in areas.items():
        assert numbers == list(range(1, len(numbers) + 1)), area
    assert {area: len(numbers) for area, numbers in areas.items()} == {
        "CHAT": 17,
        "ERR": 13,
        "EMB": 11,
        "STR": 14,
        "BKD": 11,
        "REC": 5,
    }


@pytest.mark.parametrize("requirement", requirements().values(), ids=lambda one: one.id)
def test_every_field_is_filled(requirement: object) -> None:
    for name, value in vars(requirement).items():
        if name == "limit":
            assert value is None or value in LIMITS
        else:
            assert isinstance(value, str), name
            assert value.strip() == value != "", name


def test_values_are_of_the_known_kinds() -> None:
    for one in requirements().values():
        assert one.tier in ("bronze", "silver")
        assert one.level in ("must", "should")
        assert len(one.title) <= 34, f"{one.id}: the table has no room for {one.title!r}"


def test_every_requirement_has_a_check() -> None:
    assert set(CHECKS) == set(requirements())


def test_the_denominator_is_by_capability() -> None:
    assert denominator([]) == []
    assert {one.capability for one in denominator(["chat", "errors"])} == {"chat", "errors"}
    everything = {one.capability for one in requirements().values()}
    assert len(denominator(everything)) == len(requirements())


def test_a_check_needs_a_requirement_of_its_own() -> None:
    with pytest.raises(ValueError, match="no requirement CHAT-99"):
        check("CHAT-99")
    with pytest.raises(ValueError, match="CHAT-01 has a check already"):
        check("CHAT-01")(CHECKS["CHAT-01"].function)


def test_the_readme_tells_how_much_is_checked() -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert f"Its {len(requirements())} requirements" in readme


def test_the_reference_page_is_written_from_the_data() -> None:
    page = (REPOSITORY / "docs" / "requirements.md").read_text(encoding="utf-8")
    assert page == reference_page(), "write it again: tck list --markdown > docs/requirements.md"
    for name in requirements():
        assert f"| {name} |" in page
